"""`check` finds and names every kind of damage; `--repair` mends what it can and throws nothing away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.reference import parse
from adapterhub.store.check import Checked, check
from adapterhub.store.store import Store
from tests.builders import POET, digest_of, entry, entry_of, tree
from tests.contract import library

CARD = Digest.of(b"{}")
PINNED = parse("ada/pinned@1")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A library in which ada/pinned is pinned to a base card."""
    store = library(tmp_path / "store")
    store.put_card(b"{}")
    store.publish(entry_of({"a": b"1"}, base={"evidence": "bytes", "card": str(CARD)}), PINNED)
    return store


def manifest(store: Store) -> Path:
    return store.layout.blob(digest_of(store, POET.at("1")))


def weights(store: Store) -> Path:
    file = entry(1).manifest.file("adapter_model.safetensors")
    assert file is not None
    return store.layout.blob(file.blob)


def a_note(store: Store) -> Path:
    return min(store.layout.notes(entry(1).digest).glob("*.json"))


def write(path: Path, data: bytes = b"rot") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path


def gone(path: Path) -> Path:
    path.unlink()
    return path


def a_folder(path: Path) -> Path:
    """A folder where a file should be."""
    path.unlink()
    path.mkdir()
    return path


def rotten_removed(store: Store) -> Path:
    store.remove(parse("bob/ode"))
    return write(store.layout.removed(parse("bob/ode").name) / "1")


def misplaced_note(store: Store) -> Path:
    data = a_note(store).read_bytes()
    return write(store.layout.notes(entry(3).digest) / f"{Digest.of(data).hex}.json", data)


def unreadable_note(store: Store) -> Path:
    return write(store.layout.notes(entry(1).digest) / f"{Digest.of(b'{}').hex}.json", b"{}")


def unreadable_manifest(store: Store) -> Path:
    digest = Digest.of(b'{ "kind": "data" }')
    write(store.layout.versions(POET.name) / "9", f'{{"digest":"{digest}","time":"2026"}}'.encode())
    return write(store.layout.blob(digest), b'{ "kind": "data" }')


def empty_name(store: Store) -> Path:
    path = store.layout.names / "ada" / "po--et"
    path.mkdir()
    return path


Plant = Callable[[Store], Path]
DAMAGE: dict[str, tuple[str, Plant]] = {
    "a manifest that is gone": ("missing-manifest", lambda store: gone(manifest(store))),
    "a manifest that rotted": ("corrupt-blob", lambda store: write(manifest(store))),
    "a manifest that was changed with care": ("corrupt-blob", lambda store: write(manifest(store), b'{"kind":"data"}')),
    "a manifest not in canonical form": ("bad-manifest", unreadable_manifest),
    "weights that are gone": ("missing-blob", lambda store: gone(weights(store))),
    "weights that rotted": ("corrupt-blob", lambda store: write(weights(store))),
    "weights cut short": ("corrupt-blob", lambda store: write(weights(store), weights(store).read_bytes()[:-1])),
    "a blob nobody needs that rotted": (
        "corrupt-blob",
        lambda store: write(store.layout.blob(Digest.of(b"nobody's"))),
    ),
    "a stray file": ("stray", lambda store: write(store.layout.blobs / "ab" / "notes.txt")),
    "a blob in another's folder": ("stray", lambda store: write(store.layout.blobs / "zz" / CARD.hex)),
    "a version that is garbage": ("bad-version", lambda store: write(store.layout.versions(POET.name) / "1")),
    "a version that is no word": ("bad-version", lambda store: write(store.layout.versions(POET.name) / "a b")),
    "a version without a digest": (
        "bad-version",
        lambda store: write(store.layout.versions(POET.name) / "1", b'{"time":"2026"}'),
    ),
    "an alias of nothing": ("bad-alias", lambda store: write(store.layout.aliases(POET.name) / "prod", b"7\n")),
    "an alias that is garbage": ("bad-alias", lambda store: write(store.layout.aliases(POET.name) / "prod", b"\xff")),
    "an empty alias": ("bad-alias", lambda store: write(store.layout.aliases(POET.name) / "prod", b"")),
    "a name that is no name": ("bad-name", empty_name),
    "a note that rotted": ("bad-note", lambda store: write(a_note(store))),
    "a note that cannot be read": ("bad-note", unreadable_note),
    "a note about something else": ("bad-note", misplaced_note),
    "a note under no digest": ("bad-note", lambda store: write(store.root / "notes" / "x" / "y.json", b"{}")),
    "a base card that rotted": ("bad-card", lambda store: write(store.layout.base(CARD))),
    "a base card that is gone": ("missing-card", lambda store: gone(store.layout.base(CARD))),
    "an event that is garbage": ("bad-event", lambda store: write(store.layout.events / "2026-x.json")),
    "no registry.json": ("missing-marker", lambda store: gone(store.layout.marker)),
    "a removed version that is garbage": ("bad-removed", rotten_removed),
    "a catalog that is garbage": ("bad-catalog", lambda store: write(store.layout.catalog)),
    "a folder for a version": ("bad-version", lambda store: a_folder(store.layout.versions(POET.name) / "1.1")),
    "a folder for an alias": ("bad-alias", lambda store: a_folder(store.layout.aliases(POET.name) / "prod")),
    "a folder for a base card": ("bad-card", lambda store: a_folder(store.layout.base(CARD))),
    "a folder for an event": ("bad-event", lambda store: a_folder(write(store.layout.events / "2026-x.json"))),
    "a folder for a note": ("bad-note", lambda store: a_folder(a_note(store))),
    "a folder for a blob": ("corrupt-blob", lambda store: a_folder(weights(store))),
    "a stray among the names": ("stray", lambda store: write(store.layout.names / "notes.txt")),
    "a stray in a namespace": ("stray", lambda store: write(store.layout.names / "ada" / "notes.txt")),
    "a stray beside the versions": ("stray", lambda store: write(store.layout.names / "ada" / "poet" / "notes.txt")),
    "an alias that is no word": ("stray", lambda store: write(store.layout.aliases(POET.name) / "a b")),
    "a stray beside the blobs": ("stray", lambda store: write(store.layout.blobs / "notes.txt")),
    "a stray among the notes": ("stray", lambda store: write(store.root / "notes" / "notes.txt")),
    "a stray among the base cards": ("stray", lambda store: write(store.root / "bases" / "notes.txt")),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_every_kind_of_damage_is_found_and_named(store: Store, name: str) -> None:
    kind, plant = DAMAGE[name]
    path = plant(store)
    report = check(store)
    assert not report.ok
    assert [(damage.kind, damage.path) for damage in report.damage] == [(kind, str(path))]


@pytest.mark.parametrize("name", DAMAGE)
def test_with_a_remote_that_has_it_all_every_blob_is_mended(store: Store, name: str, tmp_path: Path) -> None:
    kind, plant = DAMAGE[name]
    remote = library(tmp_path / "remote")
    plant(store)
    report = check(store, repair=True, donors=[remote.blob])
    assert kind in {damage.kind for damage in report.repaired} or kind in ("missing-card", "bad-manifest")
    left = {damage.kind for damage in report.damage}
    assert left == ({"missing-card"} if "card" in kind else {"bad-manifest"} if kind == "bad-manifest" else set())


def test_a_card_that_is_none_is_found_by_who_can_read_cards(store: Store) -> None:
    report = check(store, read_card=Card.from_bytes)
    assert [(damage.kind, damage.path) for damage in report.damage] == [("bad-card", str(store.layout.base(CARD)))]


def test_a_folder_that_may_not_be_listed_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("adapterhub.store.places.os.scandir", denied)
    assert {damage.kind for damage in check(store).damage} == {"unreadable"}


@pytest.mark.parametrize("where", ["versions/1.1", "aliases/prod"])
def test_a_list_with_a_folder_in_the_place_of_a_file_shows_the_rest(store: Store, where: str) -> None:
    a_folder(store.layout.names / "ada" / "poet" / where)
    shown = {summary.reference: summary.facts.format for summary in store.summaries()}
    assert shown["bob/ode@1"] == "peft"
    assert shown.get("ada/poet", "?") == "?"


@pytest.mark.parametrize("name", DAMAGE)
def test_nothing_is_thrown_away(store: Store, name: str) -> None:
    path = DAMAGE[name][1](store)
    bytes_there = path.read_bytes() if path.is_file() else None
    check(store, repair=True)
    kept = [data for data in tree(store.root).values() if data is not None]
    assert bytes_there is None or bytes_there in kept


def test_a_whole_store_is_well_and_counted(store: Store) -> None:
    report = check(store)
    assert report == Checked(ok=True, blobs=9, unreferenced=0)


def test_bytes_nobody_names_are_counted_and_no_damage(store: Store) -> None:
    store.remove(parse("bob/ode"))
    report = check(store)
    assert (report.ok, report.unreferenced) == (True, 2)
    assert report.unreferenced_bytes > 0


def test_damage_says_who_needs_the_bytes(store: Store) -> None:
    config = entry(1).manifest.file("adapter_config.json")
    assert config is not None
    write(store.layout.blob(config.blob))
    (damage,) = check(store).damage
    assert set(damage.references) == {"ada/poet@1", "ada/poet@1.1", "bob/ode@1"}
    assert damage.digest == str(config.blob)


def test_progress_is_told_every_byte_of_the_blobs(store: Store) -> None:
    told: list[int] = []
    check(store, progress=told.append)
    assert sum(told) == sum(path.stat().st_size for path in store.layout.blobs.glob("*/*"))


def test_checking_where_no_store_is_makes_none(tmp_path: Path) -> None:
    assert check(Store(tmp_path / "none")).ok
    assert not (tmp_path / "none").exists()
