"""`check --repair`, one kind of repair after the other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub.errors import Corrupt
from adapterhub.store.check import check
from adapterhub.store.derived import facts_of, keep_facts
from adapterhub.store.store import Store
from tests.builders import POET, entry
from tests.contract import library
from tests.store.test_check import a_folder, gone, manifest, unreadable_manifest, weights, write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return library(tmp_path / "store")


def test_what_cannot_be_mended_is_not_called_repaired(store: Store) -> None:
    unreadable_manifest(store)
    report = check(store, repair=True, donors=[store.blob])
    assert [damage.kind for damage in report.damage] == ["bad-manifest"]
    assert report.repaired == ()


@pytest.mark.parametrize("plant", [write, a_folder])
def test_a_version_that_rotted_is_written_again_as_its_event_tells_it(
    store: Store, plant: Callable[[Path], Path]
) -> None:
    before = {line.reference: (line.digest, line.by, line.aliases) for line in store.list()}
    plant(store.layout.versions(POET.name) / "1")
    report = check(store, repair=True)
    assert (report.ok, [damage.kind for damage in report.repaired]) == (True, ["bad-version"])
    assert {line.reference: (line.digest, line.by, line.aliases) for line in store.list()} == before


def test_a_version_no_event_tells_of_keeps_its_label_and_stays_damage(store: Store) -> None:
    for name in store.events.files():
        (store.layout.events / name).unlink()
    write(store.layout.versions(POET.name) / "1.1")
    report = check(store, repair=True)
    assert [(damage.kind, damage.references) for damage in report.damage] == [("bad-removed", ("ada/poet@1.1",))]
    assert (report.ok, report.repaired, check(store, repair=True).ok) == (False, (), False)
    with pytest.raises(Corrupt, match="not a version's file"):
        store.publish(entry(7), POET.at("1.1"))
    assert store.publish(entry(7), POET).reference == POET.at("2")


def test_two_events_that_disagree_about_a_version_are_not_believed(store: Store) -> None:
    store.events.write("publish", "ada/poet@1", digest=str(entry(3).digest))
    write(store.layout.versions(POET.name) / "1")
    assert "bad-removed" in {damage.kind for damage in check(store, repair=True).damage}


def test_facts_of_rotten_bytes_do_not_outlive_their_repair(store: Store, tmp_path: Path) -> None:
    facts = facts_of(store, entry(1).digest)
    keep_facts(store, entry(1).digest, facts.model_copy(update={"alpha": 8}))
    write(weights(store))
    assert facts_of(store, entry(1).digest).alpha == 8
    check(store, repair=True, donors=[library(tmp_path / "remote").blob])
    assert facts_of(store, entry(1).digest) == facts


@pytest.mark.parametrize(
    ("repair", "donors", "hint"),
    [
        (False, [], "`adapterhub check --repair` fetches what a remote has"),
        (True, [], "no remote could be asked for the bytes that are missing: `adapterhub remote add NAME URL`"),
        (True, [None], "none of the remotes gave the bytes that are missing: `adapterhub remote add NAME URL`"),
    ],
)
def test_what_is_still_damaged_comes_with_what_helps(
    store: Store, tmp_path: Path, repair: bool, donors: list[None], hint: str
) -> None:
    gone(weights(store))
    empty = [Store(tmp_path / "empty").blob for _ in donors]
    assert check(store, repair=repair, donors=empty).hint.startswith(hint)
    assert check(library(tmp_path / "well")).hint == ""


def test_damage_no_remote_can_mend_does_not_ask_for_one(store: Store) -> None:
    unreadable_manifest(store)
    assert check(store, repair=True).hint.startswith("no repair mends this")


@pytest.mark.parametrize("what", [weights, manifest])
def test_a_donor_that_never_ends_gets_no_more_said_than_there_should_be(
    store: Store, what: Callable[[Store], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapterhub.store.repair.LARGEST_MANIFEST", 1 << 20)
    endless = Endless()
    gone(what(store))
    assert not check(store, repair=True, donors=[lambda digest: endless]).ok  # type: ignore[list-item,return-value]
    assert endless.said <= 2 << 20
    assert list(store.layout.incoming.glob("*.part")) == []


class Endless:
    """A stream without an end."""

    said = 0

    def read(self, size: int) -> bytes:
        if self.said > 1 << 24:
            raise AssertionError("somebody listens to anything")
        self.said += size
        return bytes(size)

    def readinto(self, buffer: bytearray) -> int:
        return len(self.read(len(buffer)))

    def seek(self, offset: int) -> None: ...

    def __enter__(self) -> "Endless":
        return self

    def __exit__(self, *_: object) -> None: ...


def test_a_manifest_and_its_files_that_are_all_gone_come_back_in_one_go(store: Store, tmp_path: Path) -> None:
    remote = library(tmp_path / "remote")
    gone(weights(store))
    gone(manifest(store))
    report = check(store, repair=True, donors=iter([remote.blob]))
    assert (report.ok, {damage.kind for damage in report.repaired}) == (True, {"missing-manifest", "missing-blob"})


def test_a_donor_that_lies_mends_nothing(store: Store, tmp_path: Path) -> None:
    liar = library(tmp_path / "liar")
    write(weights(liar), b"lies")
    gone(weights(store))
    report = check(store, repair=True, donors=[liar.blob])
    assert [damage.kind for damage in report.damage] == ["missing-blob"]
    assert not weights(store).exists()


def test_a_second_donor_is_asked_when_the_first_has_nothing(store: Store, tmp_path: Path) -> None:
    gone(weights(store))
    donors = [Store(tmp_path / "empty").blob, library(tmp_path / "remote").blob]
    assert check(store, repair=True, donors=donors).ok
