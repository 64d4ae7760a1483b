"""One label that cannot be read stands in nobody's way, and nobody forgets it."""

from pathlib import Path

import pytest

from adapterhub.errors import Conflict, Corrupt
from adapterhub.hub import Hub
from adapterhub.store.check import check
from adapterhub.store.shelf import LARGEST, Shelf
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from adapterhub.transfer.copy import copy
from tests.builders import POET, entry, filled

OLE = b"\xd0\xcf\x11\xe0" * 200


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """ada/poet@1 and what a file manager left beside it."""
    store = filled(tmp_path / "store", "ada/poet")
    (store.layout.versions(POET.name) / "Thumbs.db").write_bytes(OLE)
    return store


def only_odd(store: Store) -> None:
    (store.layout.versions(POET.name) / "1").unlink()


def test_the_others_are_resolved_and_listed_with_a_word_about_it(store: Store) -> None:
    assert [str(line.reference) for line in store.list()] == ["ada/poet@1"]
    assert store.resolve(POET).reference == POET.at("1")
    assert store.resolve(POET).detail == "without what cannot be read: Thumbs.db"
    assert store.resolve(POET.at(f"sha256:{entry().digest.hex[:8]}")).reference == POET.at("1")
    odd, well = Hub.open(store.root).list()
    assert (odd.reference, well.reference, well.unreadable) == ("ada/poet@Thumbs.db", "ada/poet@1", "")
    assert "Thumbs.db: not a version's file" in odd.unreadable


def test_callers_learn_the_labels_and_the_reasons(store: Store) -> None:
    shelf = store.names.shelf(POET.name)
    assert [version.label for version in shelf.versions] == ["1"]
    ((label, reason),) = shelf.unreadable.items()
    assert (label, type(reason)) == ("Thumbs.db", Corrupt)
    assert Shelf((), {}).doubt == ""


def test_who_asks_for_the_label_itself_is_told(store: Store) -> None:
    with pytest.raises(Corrupt, match=r"versions/Thumbs\.db: not a version's file"):
        store.resolve(POET.at("Thumbs.db"))


def test_where_nothing_can_be_read_resolving_says_why(store: Store) -> None:
    only_odd(store)
    with pytest.raises(Corrupt, match=r"Thumbs\.db: not a version's file"):
        store.resolve(POET)
    assert list(store.list()) == []
    assert [line.reference for line in store.summaries()] == ["ada/poet@Thumbs.db"]


def test_a_new_version_is_published_beside_it_and_never_under_its_label(store: Store) -> None:
    (store.layout.versions(POET.name) / "7").write_bytes(b"rot")
    assert store.publish(entry(1), POET).reference == POET.at("8")
    with pytest.raises(Corrupt, match="versions/7: not a version's file"):
        store.publish(entry(2), POET.at("7"))
    with pytest.raises(Corrupt, match="versions/7: not a version's file"):
        store.alias(POET.at("1"), "7")
    only_odd(store)
    assert store.publish(entry(3), POET).reference == POET.at("9")


def test_it_can_be_copied_from_and_to(store: Store, tmp_path: Path) -> None:
    there = Store(tmp_path / "there", "bob")
    assert copy(POET, store, there).published.reference == POET.at("1")
    there.publish(entry(1), POET)
    assert copy(POET, there, store).published.reference == POET.at("2")


def test_a_sweep_stops_and_names_it_until_check_has_put_it_out_of_the_way(store: Store) -> None:
    store.publish(entry(1), POET)
    store.remove(POET.at("2"))
    with pytest.raises(
        Corrupt, match=r"ada/poet@Thumbs\.db: .*Thumbs\.db: not a version's file.*nothing was swept"
    ) as no:
        sweep(store, 0)
    assert "check --repair" in no.value.hint
    check(store, repair=True)
    assert sweep(store, 0).deleted == 2


def test_a_version_that_rotted_keeps_its_blobs_from_a_sweep_until_its_event_tells_it_again(store: Store) -> None:
    (store.layout.versions(POET.name) / "1").write_bytes(OLE)
    with pytest.raises(Corrupt, match="nothing was swept"):
        sweep(store, 0)
    check(store, repair=True)
    assert sweep(store, 0).deleted == 0
    assert store.resolve(POET).digest == entry().digest


def test_a_version_no_one_may_read_is_a_label_that_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path, largest: int) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("adapterhub.store.shelf.read_regular", denied)
    assert set(store.names.shelf(POET.name).unreadable) == {"1", "Thumbs.db"}


def test_a_version_larger_than_any_is_not_read_to_its_end(store: Store) -> None:
    (store.layout.versions(POET.name) / "1").write_bytes(bytes(LARGEST + 1))
    with pytest.raises(Corrupt, match=f"versions/1: more than {LARGEST} bytes"):
        store.resolve(POET.at("1"))


def test_a_label_that_is_taken_is_a_conflict_of_its_own(store: Store) -> None:
    with pytest.raises(Conflict, match="ada/poet@1 is there with another digest"):
        store.publish(entry(1), POET.at("1"))
