"""Rows of earlier tasks: which are kept, how they travel, and how they are learned again."""

from collections import Counter

import numpy as np
import pytest

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, DoesNotFit, WrongUsage
from adapterhub.train.continual.replay import Sample, keep, mix, read, write
from adapterhub.train.data.table import Table


def table(rows, name="train.csv"):
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    places = [f"{name}, line {line}" for line in range(2, len(rows) + 2)]
    return Table(name, Digest.of(name.encode()), columns, rows, places)


def texts(count, name="train.csv", labels="aab"):
    return table([{"text": f"{name} {n}", "label": labels[n % len(labels)]} for n in range(count)], name)


PLAIN = {"text": "text", "label": "label"}


def test_every_label_is_kept_in_proportion():
    kept = keep(texts(300), 30, PLAIN)
    assert Counter(kept.tasks[0].column("label")) == {"a": 20, "b": 10}


def test_the_choice_hangs_on_the_seed_alone():
    first, again = (keep(texts(300), 30, PLAIN, seed=1) for _ in range(2))
    assert write(first) == write(again) != write(keep(texts(300), 30, PLAIN, seed=2))


def test_rows_stay_in_their_order_and_none_is_kept_twice():
    places = [int(text.split()[-1]) for text in keep(texts(300), 100, PLAIN).tasks[0].column("text")]
    assert places == sorted(set(places))


def test_of_few_rows_all_are_kept():
    assert keep(texts(3), 30, PLAIN).tasks[0].rows == texts(3).rows


def test_without_a_count_nothing_is_kept():
    assert write(keep(texts(9), 0, PLAIN)) == b""
    assert len(read(b"", None)) == 0


def test_the_rows_of_many_tasks_share_the_room():
    sample = Sample()
    for number in range(4):
        sample = keep(texts(100, f"{number}.csv"), 30, PLAIN, earlier=sample)
    assert [len(task) for task in sample.tasks] == [8, 7, 7, 8]
    assert [{text[0] for text in task.column("text")} for task in sample.tasks] == [{"0"}, {"1"}, {"2"}, {"3"}]


def test_what_a_small_task_leaves_the_others_take():
    sample = keep(texts(100, "large"), 30, PLAIN, earlier=keep(texts(4, "small"), 30, PLAIN))
    assert [len(task) for task in sample.tasks] == [4, 26]


def test_a_row_with_pictures_bytes_and_numbers_comes_back_whole(tmp_path):
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"\x89PNG")
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    row = {
        "image": picture, "raw": b"\0\xff", "array": array, "one": np.int64(7), "text": "ä\u2028\n", "none": None,
        "turns": [{"role": "user", "content": "hi"}],
    }  # fmt: skip
    data = write(keep(table([row]), 1, {name: name for name in row}))
    picture.unlink()
    (back,) = read(data, tmp_path / "unpacked").tasks[0].rows
    assert back["image"].read_bytes() == b"\x89PNG"
    assert back["image"].suffix == ".png"
    assert back["array"].dtype == np.float32
    assert np.array_equal(back["array"], array)
    assert (back["one"], back["raw"], back["text"], back["none"]) == (7, b"\0\xff", "ä\u2028\n", None)
    assert back["turns"] == row["turns"]
    assert write(read(data, tmp_path / "unpacked")) == data


@pytest.mark.parametrize("line", [
    b"no json",
    b"[1]",
    b'{"task":0}',
    b'{"row":{},"task":1}',
    b'{"row":{},"task":-1}',
    b'{"row":{"a":{"adapterhub:file":"AA==","suffix":"/../x"}},"task":0}',
    b'{"row":{"a":{"adapterhub:file":"AA==","suffix":"./x"}},"task":0}',
    b'{"row":{"a":{"adapterhub:bytes":"?"}},"task":0}',
    b'{"row":{"a":{"adapterhub:array":"AAAA","dtype":"<f4","shape":[9]}},"task":0}',
    b'{"row":{"a":{"adapterhub:array":"AAAA","dtype":"|O","shape":[1]}},"task":0}',
    b'{"row":{"a":{"adapterhub:array":"AAAA"}},"task":0}',
], ids=range(11))  # fmt: skip
def test_a_file_that_lies_is_told_by_its_line(tmp_path, line):
    good = b'{"row":{},"task":0}\n' if b'"task":1' not in line else b""
    with pytest.raises(Corrupt, match=f"replay.jsonl, line {2 if good else 1}: "):
        read(good + line + b"\n", tmp_path / "unpacked")
    assert not list(tmp_path.rglob("*x*"))


def test_earlier_rows_stand_behind_the_new_ones_as_many_as_asked():
    sample = keep(texts(100, "two"), 20, PLAIN, earlier=keep(texts(100, "one"), 10, PLAIN))
    mixed = mix(texts(40), sample, 0.25, PLAIN)
    assert len(mixed) == 50
    assert mixed.rows[:40] == texts(40).rows
    assert Counter(text.split()[0] for text in mixed.column("text")[40:]) == {"one": 5, "two": 5}
    assert mixed.place(40).startswith("one, line ")


def test_few_rows_are_learned_several_times_alike():
    mixed = mix(texts(40), keep(texts(100, "one"), 4, PLAIN), 0.25, PLAIN)
    assert sorted(Counter(mixed.column("text")[40:]).values()) == [2, 2, 3, 3]


def test_without_a_share_the_rows_are_those_of_the_task():
    assert mix(texts(40), Sample(), 0.0, PLAIN).rows == texts(40).rows


def test_a_replay_of_nothing_is_told():
    with pytest.raises(WrongUsage, match="kept no rows") as refusal:
        mix(texts(40), Sample(), 0.1, PLAIN)
    assert "continual.sample" in refusal.value.hint


def test_only_what_the_task_reads_is_kept():
    sample = keep(table([{"text": "x", "label": "a", "phone": "555"}]), 1, PLAIN)
    assert sample.tasks[0].rows == [{"text": "x", "label": "a"}]


def test_a_path_in_a_table_is_kept_as_its_picture(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"\x89PNG")
    rows = table([{"file": str(tmp_path / "cat.png"), "kind": "cat"}])
    data = write(keep(rows, 1, {"image": "file", "label": "kind"}))
    assert b"cat.png" not in data
    (back,) = read(data, tmp_path / "unpacked").tasks[0].rows
    assert back["image"].read_bytes() == b"\x89PNG"


def test_earlier_rows_come_under_the_names_of_this_task():
    sample = keep(table([{"review": "x", "stars": "5"}]), 1, {"text": "review", "label": "stars"})
    mixed = mix(texts(2), sample, 0.5, PLAIN)
    assert mixed.rows[-1] == {"text": "x", "label": "5"}


def test_rows_of_another_kind_of_task_are_told():
    sample = keep(table([{"text": "x"}]), 1, {"text": "text"})
    with pytest.raises(DoesNotFit, match=r"task 0 has no label \(data\.label\); it has text"):
        mix(texts(40), sample, 0.1, PLAIN)
