from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.document import canonical
from adapterhub.errors import WrongUsage
from adapterhub.train.config import DataConfig
from adapterhub.train.data.split import _draw, splits
from tests.train.data.builders import picture, table, written

HUNDRED = [{"text": f"text {i}", "label": "rare" if i % 10 == 0 else "common"} for i in range(100)]


def drawn(folder, rows=HUNDRED, **data):
    written(folder / "train.csv", rows)
    return splits(DataConfig.model_validate({"train": "train.csv", **data}), folder)


def texts(table):
    return table.column("text")


def test_shares_are_parts_of_the_whole_without_overlap(tmp_path):
    parts = drawn(tmp_path, validation=0.1, test=0.2)
    assert {name: len(table) for name, table in parts.tables.items()} == {"train": 70, "validation": 10, "test": 20}
    assert sorted(text for table in parts.tables.values() for text in texts(table)) == sorted(
        row["text"] for row in HUNDRED
    )


def test_each_label_gives_its_share(tmp_path):
    parts = drawn(tmp_path, validation=0.1, test=0.2)
    assert Counter(parts.test.column("label")) == {"common": 18, "rare": 2}
    assert Counter(parts.validation.column("label")) == {"common": 9, "rare": 1}


def test_the_column_of_labels_is_the_one_the_config_names(tmp_path):
    rows = [{"text": row["text"], "topic": row["label"]} for row in HUNDRED]
    parts = drawn(tmp_path, rows=rows, test=0.2, label="topic")
    assert Counter(parts.test.column("topic")) == {"common": 18, "rare": 2}


def test_the_seed_says_which_rows_and_nothing_else_does(tmp_path):
    assert texts(drawn(tmp_path, seed=1, test=0.2).test) == texts(drawn(tmp_path, seed=1, test=0.2).test)
    assert texts(drawn(tmp_path, seed=1, test=0.2).test) != texts(drawn(tmp_path, seed=2, test=0.2).test)


def test_the_seed_is_no_column(tmp_path):
    assert drawn(tmp_path, seed=7, text="text", label="label").columns == ("text", "label")


def test_the_test_is_the_same_whatever_the_validation_is(tmp_path):
    alone = drawn(tmp_path, test=0.2)
    assert texts(drawn(tmp_path, test=0.2, validation=0.3).test) == texts(alone.test)


def test_rows_stay_in_the_order_of_the_file_and_know_their_line(tmp_path):
    parts = drawn(tmp_path, validation=0.3)
    numbers = [int(text.removeprefix("text ")) for text in texts(parts.train)]
    assert numbers == sorted(numbers)
    assert parts.train.place(5) == f"train.csv, line {numbers[5] + 2}"
    assert parts.validation.name == "train.csv (validation)"


def test_files_are_read_from_the_folder_of_the_config(tmp_path):
    (tmp_path / "more").mkdir()
    written(tmp_path / "more" / "test.jsonl", HUNDRED[:3])
    parts = drawn(tmp_path, test="more/test.jsonl", validation=0.1)
    assert (parts.test.name, len(parts.test), len(parts.train)) == ("more/test.jsonl", 3, 90)


@pytest.mark.parametrize("nothing", [None, 0])
def test_without_a_share_nothing_is_set_aside(tmp_path, nothing):
    parts = drawn(tmp_path, validation=nothing)
    assert (parts.validation, len(parts.train), parts.train.name) == (None, 100, "train.csv")


def test_texts_without_labels_are_drawn_from_all(tmp_path):
    assert len(drawn(tmp_path, rows=[{"text": str(i)} for i in range(50)], validation=0.1).validation) == 5


def test_numbers_that_hardly_repeat_are_no_labels(tmp_path):
    rows = [{"text": str(i), "label": i / 7} for i in range(20)]
    assert len(drawn(tmp_path, rows=rows, validation=0.25).validation) == 5


def test_too_few_rows_for_a_share_are_told(tmp_path):
    with pytest.raises(WrongUsage, match=r"train.csv: a share of 0.1 of 4 rows is no row \(data.validation\)"):
        drawn(tmp_path, rows=HUNDRED[:4], validation=0.1)


@pytest.mark.parametrize("shares", [{"validation": 1.0}, {"validation": 0.5, "test": 0.5}])
def test_shares_that_leave_nothing_are_told(tmp_path, shares):
    with pytest.raises(WrongUsage, match="leave none to train on"):
        drawn(tmp_path, **shares)


@given(
    st.lists(st.integers(2, 9), min_size=1, max_size=8),
    st.floats(0.05, 0.5),
    st.floats(0.05, 0.45),
    st.integers(0, 99),
)
def test_every_label_stays_in_training_and_counts_are_right(sizes, test, validation, seed):
    rows = [{"label": str(label)} for label, size in enumerate(sizes) for _ in range(size)]
    try:
        parts = _draw(table(rows), {"test": test, "validation": validation}, "label", seed)
    except WrongUsage:
        scarce = (test + validation) * len(rows) > len(rows) - len(sizes)  # each label keeps a row
        assert scarce or min(test, validation) * len(rows) < 2
        return
    taken = [row for part in parts.values() for row in part]
    assert len(taken) == len(set(taken))
    assert {row["label"] for i, row in enumerate(rows) if i not in set(taken)} == {row["label"] for row in rows}
    assert abs(len(parts["test"]) - test * len(rows)) <= 1


def test_digests_name_the_file_and_the_rows_and_no_path(tmp_path):
    parts = drawn(tmp_path, validation=0.1)
    digests = parts.digests
    assert list(digests) == ["train", "validation"]
    assert digests["train"]["file"] == digests["validation"]["file"] == str(parts.train.digest)
    assert digests["train"]["rows"] != digests["validation"]["rows"]
    assert digests["validation"]["count"] == 10
    assert str(tmp_path) not in canonical(digests).decode()


def test_rows_that_are_in_both_are_a_finding(tmp_path):
    written(tmp_path / "test.jsonl", [*HUNDRED[5:8], {"text": "text 9", "label": "other"}])
    leak, *_ = drawn(tmp_path, test="test.jsonl", validation=0.1).leaks()
    assert (leak.check, leak.severity) == ("leak", "warning")
    assert "of the 4 test rows stand in the training rows too" in leak.message
    assert leak.place.startswith("test.jsonl, line ")


def test_the_rows_of_a_test_that_are_those_of_the_validation_are_a_finding(tmp_path):
    written(tmp_path / "held.jsonl", [{"text": "new", "label": "other"}])
    (leak,) = drawn(tmp_path, validation="held.jsonl", test="held.jsonl").leaks()
    assert leak.message == "1 of the 1 test rows stand in the validation rows too"


def test_rows_are_the_same_by_the_columns_that_are_used(tmp_path):
    written(tmp_path / "test.jsonl", [{"id": 7, "text": "text 3", "label": "common"}])
    assert drawn(tmp_path, test="test.jsonl").leaks() == []
    (leak,) = drawn(tmp_path, test="test.jsonl", text="text").leaks()
    assert leak.message.startswith("1 of the 1 test rows")


def test_the_columns_of_the_task_count_where_the_config_names_none(tmp_path):
    written(tmp_path / "train.jsonl", [{"id": i, "text": f"text {i % 2}", "kind": "ab"[i % 2]} for i in range(8)])
    config = DataConfig(train="train.jsonl", test=0.5)
    assert splits(config, tmp_path).leaks() == []
    parts = splits(config, tmp_path, {"text": "text", "label": "kind"})
    assert Counter(parts.test.column("kind")) == {"a": 2, "b": 2}
    assert parts.columns == ("text", "kind")
    assert [leak.message for leak in parts.leaks()] == ["4 of the 4 test rows stand in the training rows too"]


def test_a_picture_under_another_name_is_the_same_picture(tmp_path):
    for part in ("train", "test"):
        for label, shade in (("cat", 1), ("dog", 9)):
            picture(tmp_path / part / label / f"{part}.png", shade if label == "cat" else shade + len(part))
    (leak,) = splits(DataConfig(train="train", test="test"), tmp_path).leaks()
    assert leak.place == "test/cat/test.png"


def test_shares_that_leave_one_label_alone_are_told_as_what_they_are(tmp_path):
    written(tmp_path / "two.csv", [{"text": "one", "label": "a"}, {"text": "two", "label": "b"}])
    with pytest.raises(WrongUsage, match=r"of its 2 rows with 2 labels the shares leave 1 to train on, all with") as no:
        splits(DataConfig(train="two.csv", validation=0.5), tmp_path)
    assert "smaller shares" in no.value.hint
