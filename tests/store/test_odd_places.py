"""A pipe, a device or a socket in a shared folder hangs nobody, and `check` names it."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError, Corrupt
from adapterhub.hub import Hub
from adapterhub.reference import parse
from adapterhub.store.check import check
from adapterhub.store.derived import facts_of, folder_of
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from tests.builders import POET, entry
from tests.contract import library
from tests.store.test_check import a_note, manifest, weights
from tests.words.test_regular import a_socket

PLANTS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": a_socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
}
PLACES: dict[str, tuple[str, Callable[[Store], Path]]] = {
    "version": ("bad-version", lambda store: store.layout.versions(POET.name) / "1"),
    "alias": ("bad-alias", lambda store: store.layout.aliases(POET.name) / "prod"),
    "manifest": ("corrupt-blob", manifest),
    "blob": ("corrupt-blob", weights),
    "note": ("bad-note", a_note),
    "card": ("bad-card", lambda store: store.layout.base(Digest.of(b"{}"))),
    "event": ("bad-event", lambda store: store.layout.events / store.events.files()[0]),
    "events": ("stray", lambda store: store.layout.events),
    "notes": ("stray", lambda store: store.root / "notes"),
    "catalog": ("bad-catalog", lambda store: store.layout.catalog),
    "settings": ("stray", lambda store: store.root / "settings.json"),
    "marks": ("stray", lambda store: store.layout.incoming / "marks.json"),
    "part": ("stray", lambda store: store.layout.incoming / f"{'0' * 64}.part"),
}


def planted(root: Path, place: str, what: str) -> tuple[Store, Path]:
    """A library with something odd in the place of a file or a folder."""
    store = library(root)
    store.put_card(b"{}")
    path = PLACES[place][1](store)
    if path.is_dir():
        path.rename(root.parent / "gone")
    path.unlink(missing_ok=True)
    PLANTS[what](path)
    return store, path


@pytest.mark.parametrize("what", PLANTS)
@pytest.mark.parametrize("place", PLACES)
def test_no_reader_hangs_and_check_names_it(tmp_path: Path, place: str, what: str) -> None:
    store, path = planted(root := tmp_path / "s", place, what)
    assert {line.reference for line in store.summaries()} >= {"ada/poet@1.1"}
    assert {(found.kind, found.path) for found in check(store).damage} == {(PLACES[place][0], str(path))}
    list(store.events.all())
    for deed in (
        lambda: store.open(store.resolve(POET.at("prod")).digest),
        lambda: facts_of(store, entry(1).digest),
        lambda: folder_of(store, entry(1).digest),
        lambda: sweep(store, 0),
        lambda: Hub.open(root).remote_list(),
        lambda: Hub.open(root.parent / "mine").pull(["ada/poet@1"], str(root)),
    ):
        with suppress(AdapterHubError):  # said, and not waited for
            deed()


@pytest.mark.parametrize("what", PLANTS)
@pytest.mark.parametrize("place", PLACES)
def test_repair_puts_it_out_of_the_way(tmp_path: Path, place: str, what: str) -> None:
    store, path = planted(root := tmp_path / "s", place, what)
    donor = library(root.parent / "donor")
    assert check(store, repair=True, donors=[donor.blob]).ok
    assert path.is_file() or path.is_dir() or not os.path.lexists(path)


def test_a_registry_json_that_is_a_pipe_is_corrupt(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "registry.json")
    with pytest.raises(Corrupt, match=r"registry\.json: a pipe, where a file should be"):
        Store(tmp_path)


def test_a_blob_arrives_where_a_pipe_lies(tmp_path: Path) -> None:
    store, path = planted(tmp_path / "s", "blob", "pipe")
    store.publish(entry(1), parse("ada/again"))
    assert path.is_file()
    assert check(store).ok


def test_a_lease_that_is_a_pipe_stops_the_sweep_and_is_named(tmp_path: Path) -> None:
    store = library(tmp_path / "s")
    os.mkfifo(store.layout.incoming / "0123.lease")
    with pytest.raises(Corrupt, match=r"0123\.lease: a pipe"):
        sweep(store, 0)
    assert [found.kind for found in check(store).damage] == ["stray"]


def test_a_link_to_nothing_does_not_count_as_published(tmp_path: Path) -> None:
    store = library(tmp_path / "s")
    (store.layout.versions(POET.name) / "7").symlink_to("nothing")
    with pytest.raises(Corrupt, match="versions/7: a link that leads nowhere"):
        store.publish(entry(7), POET.at("7"))
