"""What a site's catalog says is held against the site: it is the only file there that nothing else vouches for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterhub.errors import Corrupt, NotFound
from adapterhub.hub import Hub
from adapterhub.reference import parse
from adapterhub.registry import Listed
from adapterhub.remotes.site import Site
from adapterhub.store.catalog import Catalog
from adapterhub.store.store import Store
from tests.builders import POET, entry
from tests.contract import library
from tests.remotes.servers import Server, instead, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(library(tmp_path).root) as running:
        yield running


def change_catalog(server: Server, **changes: object) -> Catalog:
    """The catalog of the site, what it says of ada/poet@1.1 changed."""
    path = server.folder / "catalog.json"
    catalog = Catalog.from_bytes(path.read_bytes(), "catalog")
    lines = [line.model_copy(update=changes) if line.reference == "ada/poet@1.1" else line for line in catalog.entries]
    catalog = catalog.model_copy(update={"entries": tuple(lines)})
    path.write_bytes(catalog.to_bytes())
    return catalog


def test_a_catalog_tells_the_newest_version_and_the_version_its_digest(server: Server) -> None:
    change_catalog(server, digest=str(entry(3).digest))
    with pytest.raises(Corrupt, match=r"ada/poet@1\.1: .* by the catalog of .* by the version's file") as refusal:
        Site(server.url).resolve(POET)
    assert refusal.value.hint
    assert Site(server.url).resolve(POET.at("1.1")).digest == entry(2).digest


def test_a_version_that_only_the_catalog_has_is_not_found(server: Server) -> None:
    change_catalog(server, reference="ada/poet@1.2")
    with pytest.raises(NotFound, match=r"ada/poet@1\.2: the catalog of .* has it, but it is gone"):
        Site(server.url).resolve(POET)


@pytest.mark.parametrize("digits", [8, 64])
def test_a_digest_is_that_of_its_name(server: Server, digits: int) -> None:
    digest = entry(3).digest
    pin = f"sha256:{digest.hex[:digits]}"
    assert Site(server.url).resolve(parse(f"bob/ode@{pin}")) == Listed(
        parse("bob/ode@1"), digest, *times_of(server, "bob/ode", "1")
    )
    with pytest.raises(NotFound, match=r"ada/poet@sha256:.*: not in the catalog of"):
        Site(server.url).resolve(POET.at(pin))


def times_of(server: Server, name: str, label: str) -> tuple[str, str]:
    """When and by whom a version was published."""
    listed = Store(server.folder).resolve(parse(f"{name}@{label}"))
    return listed.time, listed.by


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "sha256:12"},
        {"digest": "x"},
        {"reference": "ada"},
        {"reference": "ada/poet"},
        {"reference": "ada/poet@../../x"},
        {"reference": f"ada/poet@sha256:{'0' * 64}"},
    ],
    ids=str,
)
def test_a_catalog_of_what_is_no_reference_or_digest_is_corrupt(server: Server, changes: dict[str, str]) -> None:
    change_catalog(server, **changes)
    with pytest.raises(Corrupt, match=r"catalog\.json: ") as refusal:
        Site(server.url).catalog()
    assert "adapterhub catalog" in refusal.value.hint


@pytest.mark.parametrize("notes", [{"x": ()}, {"0" * 64: ("../../x",)}], ids=str)
def test_a_catalog_of_notes_that_have_no_digest_is_corrupt(server: Server, notes: dict[str, tuple[str, ...]]) -> None:
    catalog = change_catalog(server).model_copy(update={"notes": {"0" * 64: (), **notes}})
    (server.folder / "catalog.json").write_bytes(catalog.to_bytes())
    with pytest.raises(Corrupt, match=r"catalog\.json: not a sha256 digest"):
        Site(server.url).catalog()


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999", b"9" * 400])
def test_a_catalog_with_a_number_that_is_none_is_corrupt(server: Server, number: bytes) -> None:
    server.faults.append(("catalog.json", instead(lambda data: data.replace(b'"rank":2', b'"alpha":' + number, 1))))
    with pytest.raises(Corrupt, match=r"catalog\.json: .* is no finite number"):
        Site(server.url).resolve(POET)


def test_a_digest_that_no_catalog_vouches_for_is_pulled_and_that_is_said(server: Server, tmp_path: Path) -> None:
    (server.folder / "catalog.json").unlink()
    (pulled,) = Hub.open(tmp_path / "here").pull([f"ada/poet@{entry(1).digest}"], server.url)
    assert pulled.detail.startswith("not known to be ada/poet: ")
