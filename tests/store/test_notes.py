"""Notes on the disk: append-only, one file each."""

from pathlib import Path

import pytest

from adapterhub.errors import Corrupt, WrongUsage
from tests.builders import entry, filled, tree

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
