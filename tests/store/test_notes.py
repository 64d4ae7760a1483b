"""Notes on the disk: append-only, one file each."""

from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.errors import Corrupt, WrongUsage
from adapterhub.note import gather
from adapterhub.reference import parse
from adapterhub.registry import find
from adapterhub.store.check import check
from adapterhub.store.store import Store
from adapterhub.transfer.copy import copy
from tests.builders import POET, entry, filled, tree

ABOUT = entry(0).digest


def test_notes_are_read_in_the_order_of_time_and_kept_once(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    said = [store.say(ABOUT, "tags", {"add": [word]}) for word in ("b", "a", "c")]
    store.notes.add(reversed(said))
    before = tree(store.root)
    store.notes.add(said)
    assert store.notes.about(ABOUT) == tuple(said)
    assert tree(store.root) == before


def test_a_note_changes_neither_the_digest_nor_any_blob(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    blobs = tree(store.layout.blobs)
    store.notes.add([store.say(ABOUT, "metrics", {"accuracy": 0.9})])
    assert (tree(store.layout.blobs), store.open(ABOUT).digest) == (blobs, ABOUT)


def test_what_no_note_can_say_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="the metric accuracy is a finite number, got nan"):
        filled(tmp_path).say(ABOUT, "metrics", {"accuracy": float("nan")})


@pytest.mark.parametrize("data", [b"", b"{}", b'{"about":"ada/poet"}', b"[" * 100_000])
def test_a_note_that_cannot_be_read_is_corrupt_and_named(tmp_path: Path, data: bytes) -> None:
    store = filled(tmp_path, "ada/poet")
    store.layout.notes(ABOUT).mkdir(parents=True)
    (store.layout.notes(ABOUT) / "x.json").write_bytes(data)
    with pytest.raises(Corrupt, match=r"x\.json: "):
        store.open(ABOUT)


BOB = parse("bob/poet")


def tags(store: Store, reference: str) -> tuple[str, ...]:
    """The tags that count under a name."""
    return gather(find(store, parse(reference))[1].notes).tags


@pytest.fixture
def shared(tmp_path: Path) -> Store:
    """A store with ada/poet of its own, and the same adapter as bob/poet, which a guest brought; all three speak."""
    store = filled(tmp_path / "shared", "ada/poet")
    store.notes.add([store.say(ABOUT, "tags", {"add": ["own"]})])
    guest = store.under(BOB.name, guest=True)
    guest.publish(entry(), BOB)
    guest.notes.add([store.say(ABOUT, "tags", {"add": ["bobs"]})])
    guest = store.under(POET.name, guest=True)
    guest.notes.add([store.say(ABOUT, "tags", {"add": ["adas"]})])
    return store


def test_what_a_guest_says_counts_under_one_name(shared: Store) -> None:
    assert tags(shared, "ada/poet") == ("adas", "own")
    assert tags(shared, "bob/poet") == ("bobs",)
    assert gather(shared.open(ABOUT).notes).tags == ("own",)


def test_a_copy_takes_along_what_counts_under_its_name(shared: Store, tmp_path: Path) -> None:
    for name in ("ada/poet", "bob/poet"):
        sink = filled(tmp_path / name)
        copy(parse(name), shared, sink)
        assert tags(sink, name) == tags(shared, name)


def test_who_says_something_of_what_a_guest_brought_says_it_under_that_name(shared: Store) -> None:
    shared.note(BOB.at("1"), shared.say(ABOUT, "tags", {"add": ["seen"]}))
    shared.publish(entry(notes=[("tags", {"add": ["again"]})]), BOB)
    assert tags(shared, "bob/poet") == ("again", "bobs", "seen")
    assert tags(shared, "ada/poet") == ("adas", "own")


def test_what_is_said_twice_lies_there_once(shared: Store) -> None:
    before = tree(shared.root / "names")
    for name in (POET.name, BOB.name):
        store = shared.under(name, guest=True)
        store.notes.add(store.notes.about(ABOUT))
        store.notes.begin(ABOUT)
    assert tree(shared.root / "names") == before


def test_notes_follow_to_another_name_and_are_forgotten(shared: Store) -> None:
    other = parse("bob/other")
    shared.under(BOB.name).notes.follow(other.name)
    shared.under(BOB.name).notes.follow(other.name)
    shared.under(BOB.name).notes.forget()
    shared.publish(entry(), other)
    assert tags(shared, "bob/other") == ("bobs",)
    assert tags(shared, "bob/poet") == ("own",)


@pytest.mark.parametrize(
    ("kind", "data"),
    [("origin", {"hf:org/x@main": {"a": 1}}), ("evaluation", {"x": 5}), ("audit", {"x": 5}), ("tomorrow", {"x": 5})],
)
def test_a_note_that_is_none_of_its_kind_is_passed_over_and_check_names_it(
    tmp_path: Path, kind: str, data: dict[str, object]
) -> None:
    store = filled(tmp_path, "ada/poet")
    store.note(parse("ada/poet"), store.say(ABOUT, "metrics", {"accuracy": 0.5}))
    told = canonical({"about": str(ABOUT), "kind": kind, "data": data})
    path = store.layout.notes(ABOUT) / f"{Digest.of(told).hex}.json"
    path.write_bytes(told)
    assert [note.kind for note in store.open(ABOUT).notes] == ["metrics"]
    (damage,) = check(store).damage
    assert (damage.kind, damage.path) == ("bad-note", str(path))
    assert check(store, repair=True).ok
    assert not path.exists()
