"""Search answers what Python answers on the same summaries: a foreign judge for the SQL."""

import operator
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapterhub.errors import BadReference, WrongUsage
from adapterhub.reference import parse as reference
from adapterhub.store.index.query import Question, search
from adapterhub.store.index.where import ENUMERATED, All, Either, Not, Where, parse
from adapterhub.store.store import Store
from tests.builders import adapter_files, entry_of

ROWS = [
    ("ada/sql@1", 2, {"accuracy": 0.5}, ["prod"], {"task_type": "CAUSAL_LM"}),
    ("ada/sql@1.10", 8, {"accuracy": 0.9, "loss": 2}, ["prod", "to keep"], {"base_model_name_or_path": "org/Llama-8"}),
    ("ada/chat@1", 8, {"loss": 0.1}, [], {"base_model_name_or_path": "org/vit", "lora_alpha": 8}),
    ("bob/sql@007", 16, {}, ["old_x"], {"target_modules": ["q_proj"]}),
    ("bob/100%@1".replace("%", ""), 4, {"accuracy": 1}, ["100%"], {"task_type": "SEQ_CLS"}),
]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), "ada")
        for seed, (name, rank, metrics, tags, config) in enumerate(ROWS):
            notes = [("metrics", metrics), ("tags", {"add": tags})]
            store.publish(entry_of(adapter_files(rank, seed=seed, **config), notes), reference(name))
        store.alias(reference("ada/sql@1"), "stable")
        yield store


def ask(store: Store, where: str = "", **question: Any) -> list[str]:
    return [found["reference"] for found in search(store, Question(where=where, **question))]


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
NUMBERS = ("rank", "alpha", "accuracy", "loss", "bytes")
TEXTS = ("name", "version", "base", "task", "format")
WORDS = ("tag", "target", "alias")


def holds(where: Where, row: dict[str, Any]) -> bool:
    """What the grammar's text promises, on plain data."""
    match where:
        case All(parts):
            return all(holds(part, row) for part in parts)
        case Either(parts):
            return any(holds(part, row) for part in parts)
        case Not(part):
            return not holds(part, row)
    there, wanted = row[where.field], where.number if where.field in NUMBERS else where.value
    if where.field in WORDS:
        if where.operator == "!=":
            return wanted not in there
        return any(compare(where.operator, word, wanted) for word in there)
    return there is not None and compare(where.operator, fold(where.field, there), fold(where.field, wanted))


def fold(field: str, value: Any) -> Any:
    return value.lower() if field in ENUMERATED and isinstance(value, str) else value


def compare(sign: str, there: Any, wanted: Any) -> bool:
    return wanted.lower() in there.lower() if sign == "~" else OPERATORS[sign](there, wanted)


def plain(found: dict[str, Any]) -> dict[str, Any]:
    name, _, version = found["reference"].partition("@")
    facts, metrics = found["facts"], found.get("metrics", {})
    return {
        "reference": found["reference"], "name": name.partition("/")[2], "version": version, "bytes": found["bytes"],
        **{key: facts.get(key) for key in ("rank", "alpha", "task", "format")}, "base": facts.get("base_name"),
        **{key: metrics.get(key) for key in ("accuracy", "loss")},
        "tag": found.get("tags", ()), "alias": found.get("aliases", ()), "target": facts.get("targets", ()),
    }  # fmt: skip


NUMBER = st.sampled_from(["1", "2", "8", "0.5", "0.9", "16", "1e1", "-1"])
TEXT = st.sampled_from(
    [
        "sql",
        "SQL",
        "causal_lm",
        "Peft",
        "1",
        "1.10",
        "1.1",
        "007",
        "7",
        "llama",
        "_",
        "%",
        "x_x",
        "to keep",
        "q_proj",
        "prod",
        "",
    ]
)
ORDER = ["=", "==", "!=", "<", "<=", ">", ">="]
COMPARISONS = st.builds("{}{}{}".format, st.sampled_from(NUMBERS), st.sampled_from(ORDER), NUMBER) | st.builds(
    "{}{}'{}'".format, st.sampled_from(TEXTS + WORDS), st.sampled_from([*ORDER, "~"]), TEXT
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner) | st.builds("not {}".format, inner)
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(CONDITIONS)
def test_sql_and_python_agree(store: Store, where: str) -> None:
    rows = [plain(found) for found in search(store, Question())]
    wanted = {row["reference"] for row in rows if holds(parse(where), row)}
    assert set(ask(store, where)) == wanted


def test_a_version_is_compared_as_it_was_written(store: Store) -> None:
    assert ask(store, "version=1.10") == ["ada/sql@1.10"]
    assert ask(store, "version=1.1") == []
    assert ask(store, "version=007") == ["bob/sql@007"]


def test_results_come_by_name_the_newest_version_first(store: Store) -> None:
    assert ask(store) == ["ada/chat@1", "ada/sql@1.10", "ada/sql@1", "bob/100@1", "bob/sql@007"]
    assert ask(store, limit=2) == ["ada/chat@1", "ada/sql@1.10"]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"text": "sql"}, ["ada/sql@1.10", "ada/sql@1", "bob/sql@007"]),
        ({"text": "SQL bob"}, ["bob/sql@007"]),
        ({"text": "llama"}, ["ada/sql@1.10"]),
        ({"text": "100%"}, ["bob/100@1"]),
        ({"text": "%"}, ["bob/100@1"]),
        ({"text": "nothing"}, []),
        ({"base": "LLAMA"}, ["ada/sql@1.10"]),
        ({"target": "v_proj", "text": "sql"}, ["ada/sql@1.10", "ada/sql@1"]),
        ({"base": "vit", "where": "rank>=8 and not tag=prod"}, ["ada/chat@1"]),
    ],
)
def test_every_part_of_a_question_must_hold(store: Store, question: dict[str, str], found: list[str]) -> None:
    assert ask(store, **question) == found


@pytest.mark.parametrize("where", ["rank=large", "accuracy>high", "rank>=nan", "alpha<''"])
def test_a_number_is_compared_with_numbers_only(store: Store, where: str) -> None:
    with pytest.raises(BadReference, match=r"is a number and .* is none") as refusal:
        ask(store, where)
    assert "every other field is a metric" in refusal.value.hint


@pytest.mark.parametrize("where", ["acuracy>0.5", "acuracy=high", "rank>=8 or not (tag=prod and acuracy<1)", "rnak>1"])
def test_a_field_that_no_entry_has_is_refused_and_a_close_one_named(store: Store, where: str) -> None:
    with pytest.raises(WrongUsage, match=r"cannot search for '(acuracy|rnak)'") as refusal:
        ask(store, where)
    assert refusal.value.hint in ("did you mean accuracy?", "did you mean rank?")


def test_a_field_like_no_other_is_answered_with_all_there_are(store: Store) -> None:
    with pytest.raises(WrongUsage) as refusal:
        ask(store, "zzz=1")
    assert "rank" in refusal.value.hint
    assert refusal.value.hint.endswith("accuracy, loss")


def test_where_nothing_is_any_metric_may_be_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create()
    assert ask(store, "acuracy>0.5") == []


@pytest.mark.parametrize(
    ("where", "count"), [("type=lora", 5), ("type=LORA", 5), ("type!=lora", 0), ("task=causal_lm", 1), ("name=SQL", 0)]
)
def test_the_case_of_a_word_out_of_a_short_list_does_not_matter(store: Store, where: str, count: int) -> None:
    assert len(ask(store, where)) == count


@pytest.mark.parametrize("field", ["text", "base", "target", "where"])
def test_bytes_that_are_no_text_are_refused(field: str) -> None:
    with pytest.raises(WrongUsage, match=r"cannot search for 'tag=\\udcff': it holds bytes that are no text"):
        Question(**{field: "tag=\udcff"})  # type: ignore[arg-type]


def test_a_condition_is_read_before_the_store_is() -> None:
    with pytest.raises(BadReference, match="a value is missing"):
        Question(where="rank>=")
