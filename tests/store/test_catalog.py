"""catalog.json says what a web site that cannot list a folder holds."""

from pathlib import Path

import pytest

from adapterhub.errors import Corrupt
from adapterhub.store.catalog import Catalog, write_catalog
from adapterhub.store.store import Store
from tests.builders import POET, entry, filled
from tests.contract import library


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


def test_a_catalog_of_a_damaged_store_is_not_written(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.layout.blob(entry(0).digest).unlink()
    with pytest.raises(Corrupt, match="missing"):
        write_catalog(store)
    assert not store.layout.catalog.exists()


def test_a_catalog_is_no_part_of_what_a_store_knows(tmp_path: Path) -> None:
    store = library(tmp_path)
    store.layout.catalog.write_bytes(b"garbage")
    assert len(list(Store(tmp_path).list())) == 3
