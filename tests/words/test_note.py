"""Notes: append-only, and the newest word on a matter counts."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.errors import Corrupt
from adapterhub.note import IllFormed, Note, gather

ABOUT = str(Digest.of(b"poet"))
KEYS = st.sampled_from(["a", "b", "c"])
DATA = {
    "metrics": st.dictionaries(KEYS, st.floats(-1, 1)),
    "tags": st.fixed_dictionaries({}, optional={"add": st.lists(KEYS), "remove": st.lists(KEYS)}),
    "values": st.dictionaries(KEYS, st.text(max_size=3)),
    "license": st.fixed_dictionaries({"id": KEYS}),
}


@st.composite
def notes(draw: st.DrawFn) -> Note:
    kind = draw(st.sampled_from(sorted(DATA)))
    return said(kind, draw(DATA[kind]), time=f"2026-01-01T00:00:0{draw(st.integers(0, 5))}Z")


def said(kind: str, data: dict[str, Any], time: str = "2026") -> Note:
    return Note.model_validate({"about": ABOUT, "kind": kind, "data": data, "time": time})


@given(st.lists(notes()))
def test_the_order_in_which_notes_are_found_does_not_matter(found: list[Note]) -> None:
    shuffled = random.Random(1).sample(found, len(found))
    assert gather(shuffled) == gather(found)


@given(st.lists(notes()))
def test_what_has_been_said_twice_is_said_once(found: list[Note]) -> None:
    assert gather(found + found) == gather(found)


@given(st.lists(notes()), notes())
def test_the_last_word_is_known(found: list[Note], last: Note) -> None:
    last = last.model_copy(update={"time": "2027"})
    noted = gather([*found, last])
    both = set(last.data.get("add", ())) & set(last.data.get("remove", ()))
    assert noted.says(last.kind, last.data) or (last.kind == "tags" and both)


@given(notes())
def test_what_is_written_is_read_again(note: Note) -> None:
    assert Note.read(note.to_bytes(), Digest.parse(ABOUT), "note") == note


def test_a_tag_that_was_taken_off_is_off_until_it_is_put_on_again() -> None:
    on, off, again = (
        said("tags", {"add": ["x"]}, "1"),
        said("tags", {"remove": ["x"]}, "2"),
        said("tags", {"add": ["x"]}, "3"),
    )
    assert [gather(found).tags for found in ([on], [on, off], [on, off, again])] == [("x",), (), ("x",)]


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        ("metrics", {"accuracy": float("nan")}, "the metric accuracy is a finite number, got nan"),
        ("metrics", {"accuracy": float("inf")}, "finite number"),
        ("metrics", {"accuracy": 10**400}, "finite number"),
        ("metrics", {"accuracy": True}, "finite number"),
        ("metrics", {"accuracy": "good"}, "the metric accuracy is a finite number, got 'good'"),
        ("metrics", {"": 1.0}, "a metric's name is printable text"),
        ("metrics", {"a\nb": 1.0}, "a metric's name is printable text"),
        ("cost", {"seconds": float("inf")}, "the cost seconds is a finite number, got inf"),
        ("cost", {"peak_memory": "2 GB"}, "the cost peak_memory is a finite number, got '2 GB'"),
        ("tags", {"add": [" x"]}, "a tag is printable text"),
        ("tags", {"add": [5]}, "a tag is printable text"),
        ("tags", {"add": ["x" * 97]}, "a tag is printable text"),
        ("tags", {"add": "prod"}, "tags are lists"),
        ("tags", {"put": ["x"]}, "tags are lists"),
        ("card", {}, "a card has a text"),
        ("license", {"id": 5}, "one line of printable text"),
        ("license", {"id": "MIT\n"}, "one line of printable text"),
        ("license", {"id": "\x1b[2J"}, "one line of printable text"),
        ("base", {"evidence": "bytes", "card": 5}, "card"),
        ("poem", {}, "kind"),
    ],
)
def test_a_note_that_says_nothing_sensible_is_refused(kind: str, data: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        said(kind, data)


def test_a_note_about_another_entry_is_corrupt() -> None:
    note = said("tags", {"add": ["x"]})
    with pytest.raises(Corrupt, match="filed under"):
        Note.read(note.to_bytes(), Digest.of(b"other"), "note")


@pytest.mark.parametrize("kind", ["metrics", "cost", "values", "log"])
@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 400])
def test_a_number_that_is_none_makes_a_note_corrupt(kind: str, number: str) -> None:
    data = f'{{"about":"{ABOUT}","data":{{"seconds":{number}}},"kind":"{kind}"}}'
    with pytest.raises(Corrupt, match="finite number"):
        Note.read(data.encode(), Digest.parse(ABOUT), "note")


def test_the_latest_of_a_number_and_a_text_of_one_key_counts() -> None:
    def noted(*kinds: str) -> tuple[dict[str, float], dict[str, Any]]:
        data = {"metrics": {"score": 1.0}, "values": {"score": "good"}}
        notes = [said(kind, data[kind], f"2026-01-0{day}") for day, kind in enumerate(kinds, 1)]
        return gather(notes).metrics, gather(notes).values

    assert noted("metrics", "values") == ({}, {"score": "good"})
    assert noted("values", "metrics") == ({"score": 1.0}, {})
    assert noted("metrics", "values", "metrics") == ({"score": 1.0}, {})


ILL = [
    ("origin", {"hf:org/x@main": {"a": 1}}),
    ("origin", {"hf:org/x@main": 5}),
    ("origin", {"": "0" * 40}),
    ("evaluation", {"x": 5}),
    ("evaluation", {"x": {"metrics": 5}}),
    ("evaluation", {"x": {"metrics": {"a": "b"}}}),
    ("evaluation", {"x": {"metrics": {"a\x1b": 1.0}}}),
    ("evaluation", {"x": {"metrics": {}, "rows": "many"}}),
    ("evaluation", {"x": {"metrics": {}, "rows": True}}),
    ("audit", {"x": 5}),
    ("audit", {"x": {"verdict": [1]}}),
    ("audit", {"x\u202e": {"verdict": "exact"}}),
    ("metrics", {"a": "b"}),
    ("tags", {"add": 5}),
    ("base", {"evidence": 5}),
    ("tomorrow", {"a": 1}),
]


@pytest.mark.parametrize(("kind", "data"), ILL)
def test_what_is_none_of_its_kind_is_told_at_the_gate_and_passed_over_by_readers(
    kind: str, data: dict[str, Any]
) -> None:
    note = canonical({"about": ABOUT, "kind": kind, "data": data})
    with pytest.raises(IllFormed, match="a note: "):
        Note.read(note, Digest.parse(ABOUT), "a note")
    assert [*Note.heard(note, Digest.parse(ABOUT), "a note")] == []


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"about":"ada/poet","kind":"values"}'])
def test_what_is_no_note_at_all_is_damage_to_whoever_reads_it(data: bytes) -> None:
    with pytest.raises(Corrupt) as told:
        [*Note.heard(data, Digest.parse(ABOUT), "a note")]
    assert not isinstance(told.value, IllFormed)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("origin", {"hf:org/x@main": "0" * 40}),
        ("evaluation", {f"sha256:{'0' * 64}": {"metrics": {"loss": 0.5}, "rows": 4, "base": "ada/base", "new": [1]}}),
        ("audit", {"0" * 64: {"base": "org/x", "verdict": "exact", "evidence": "weights", "matched": 4}}),
    ],
)
def test_what_the_hub_says_itself_is_of_its_kind(kind: str, data: dict[str, Any]) -> None:
    (note,) = Note.heard(said(kind, data).to_bytes(), Digest.parse(ABOUT), "a note")
    assert note.data == data
