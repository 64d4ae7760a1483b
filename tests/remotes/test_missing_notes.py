"""The notes of a site are named by its catalog; an entry comes without them rather than not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.remotes.site import Site
from adapterhub.store.catalog import write_catalog
from tests.builders import entry
from tests.contract import library
from tests.remotes.servers import Fault, Server, instead, serving, status


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(library(tmp_path).root) as running:
        yield running


@pytest.mark.parametrize("fault", [instead(b"<html>"), instead(b"{}" * 20), status(404), status(403)])
def test_a_pinned_reference_does_without_a_catalog_and_says_that_its_notes_are_missing(
    server: Server, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults.append(("catalog.json", fault))
    monkeypatch.setattr("adapterhub.remotes.site.LARGEST_CATALOG", 30)
    shelf = Site(server.url)
    assert shelf.open(entry(1).digest).notes == ()
    assert shelf.missing.startswith("without notes: ")


def test_one_note_that_is_not_there_costs_no_other(server: Server) -> None:
    first, *_ = Site(server.url).catalog().notes[entry(1).digest.hex]
    server.faults.append((first, status(404)))
    shelf = Site(server.url)
    assert len(shelf.open(entry(1).digest).notes) == 1
    assert shelf.missing.startswith("without 1 of 2 notes")


def test_a_note_in_no_form_we_know_costs_no_other(tmp_path: Path) -> None:
    store = library(tmp_path)
    told = canonical({"about": str(entry(1).digest), "kind": "origin", "data": {"hf:org/x@main": {"a": 1}}})
    (store.layout.notes(entry(1).digest) / f"{Digest.of(told).hex}.json").write_bytes(told)
    write_catalog(store)
    with serving(store.root) as server:
        shelf = Site(server.url)
        assert len(shelf.open(entry(1).digest).notes) == 2
    assert shelf.missing == "without 1 note in no form we know"
