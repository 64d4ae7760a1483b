"""catalog.json says what a web site that cannot list a folder holds."""

from pathlib import Path

from adapterhub.reference import parse
from adapterhub.remotes.site import Site
from adapterhub.store.catalog import Catalog, write_catalog
from adapterhub.store.store import Store
from tests.builders import POET, entry, entry_of, filled
from tests.contract import library
from tests.remotes.servers import serving


def test_a_catalog_has_every_entry_with_facts_notes_and_aliases(tmp_path: Path) -> None:
    store = library(tmp_path)
    catalog = Catalog.from_bytes(store.layout.catalog.read_bytes(), "catalog.json")
    assert [line.reference for line in catalog.entries] == ["ada/poet@1", "ada/poet@1.1", "bob/ode@1"]
    first = catalog.entries[0]
    assert (first.facts.rank, first.tags, first.metrics, first.aliases) == (2, ("calm",), {"accuracy": 0.5}, ("prod",))
    assert set(catalog.notes) == {entry(1).digest.hex}
    assert len(catalog.notes[entry(1).digest.hex]) == 2


def test_the_newest_version_of_an_adapter_is_its_last_line(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet@z", "ada/x", "bob/ode")
    store.publish(entry(9), POET.at("a"))
    lines = [line.reference for line in write_catalog(store).entries]
    assert lines == ["ada/poet@z", "ada/poet@a", "ada/x@1", "bob/ode@1"]


def test_what_cannot_be_read_has_a_line_that_says_why_and_hides_no_other(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet", "ada/x", "bob/ode")
    store.layout.blob(entry(0).digest).unlink()
    (store.layout.versions(parse("bob/ode").name) / "Thumbs.db").write_bytes(b"\xd0\xcf")
    lines = write_catalog(store).entries
    assert [(line.reference, bool(line.unreadable)) for line in lines] == [
        ("ada/poet@1", True),
        ("ada/x@1", False),
        ("bob/ode@Thumbs.db", True),
        ("bob/ode@1", False),
    ]
    assert "is missing" in lines[0].unreadable
    assert "Thumbs.db: not a version's file" in lines[2].unreadable
    with serving(tmp_path) as server:
        assert [str(line.reference) for line in Site(server.url).list()] == ["ada/poet@1", "ada/x@1", "bob/ode@1"]


def test_an_entry_of_no_known_format_or_no_files_hides_no_other(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.publish(entry_of({"adapter_config.json": b"[]"}), parse("ada/odd"))
    store.publish(entry_of({}), parse("ada/none"))
    lines = {line.reference: bool(line.unreadable) for line in write_catalog(store).entries}
    assert lines == {"ada/poet@1": False, "ada/odd@1": True, "ada/none@1": True}


def test_a_catalog_is_no_part_of_what_a_store_knows(tmp_path: Path) -> None:
    store = library(tmp_path)
    store.layout.catalog.write_bytes(b"garbage")
    assert len(list(Store(tmp_path).list())) == 3
