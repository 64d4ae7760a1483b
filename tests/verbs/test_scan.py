"""`scan`: two hundred folders in one look, and all of them added with one more word."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import BadReference, Corrupt, NotFound, Refused, WrongUsage
from adapterhub.hub import Hub
from adapterhub.verbs.scan import check_template, name_for
from tests.builders import tiny_adapter, tiny_base, tree, write_files


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two adapters, a copy of the first, a broken one, and a folder of something else."""
    root = tmp_path / "runs"
    tiny_adapter(root / "sql" / "v1")
    tiny_adapter(root / "sql" / "v2", seed=1)
    tiny_adapter(root / "old" / "sql copy (1)")
    write_files(root / "broken" / "x", {"adapter_config.json": b"{", "adapter_model.safetensors": b"\0" * 20})
    write_files(root / "notes", {"todo.txt": b"scan"})
    return root


def test_a_scan_lists_every_adapter_with_health_and_duplicates_and_touches_nothing(hub: Hub, runs: Path) -> None:
    before = tree(runs)
    rows = {Path(row.path).relative_to(runs).as_posix(): row for row in hub.scan([runs])}
    assert sorted(rows) == ["broken/x", "old/sql copy (1)", "sql/v1", "sql/v2"]
    assert rows["sql/v1"].duplicates == (str(runs / "old" / "sql copy (1)"),)
    assert (rows["sql/v2"].duplicates, rows["sql/v2"].facts.rank, rows["sql/v2"].health) == ((), 2, "ok")
    assert (rows["broken/x"].health, rows["broken/x"].digest) == ("cannot-be-added", "")
    assert rows["broken/x"].findings[0].message
    assert tree(runs) == before
    assert not hub.store.exists()


def test_a_scan_adds_what_is_well_and_knows_it_next_time(hub: Hub, runs: Path) -> None:
    added = list(hub.scan_add(hub.scan([runs])))
    assert [row.reference for row in added] == ["", "old/sql-copy-1@1", "sql/v1@1", "sql/v2@1"]
    assert [row.code for row in added] == [Corrupt.code, 0, 0, 0]
    again = {row.path: row.reference for row in hub.scan([runs, runs / "sql"])}
    assert len(again) == 4
    assert again[str(runs / "sql" / "v2")] == "sql/v2@1"
    before = tree(hub.store)
    list(hub.scan_add(hub.scan([runs])))
    assert tree(hub.store) == before


def test_a_template_makes_names_of_places(hub: Hub, runs: Path) -> None:
    added = list(hub.scan_add(hub.scan([runs / "sql"]), "ada/{grandparent}-{parent}"))
    assert [row.reference for row in added] == ["ada/runs-sql@1", "ada/runs-sql@2"]
    assert [[finding.check for finding in row.findings] for row in added] == [[], ["same-name"]]
    assert f"same name as {added[0].path}" in added[1].findings[0].message


def test_what_the_store_has_already_is_left_as_it_is(hub: Hub, runs: Path, tmp_path: Path) -> None:
    hub.add(runs / "sql" / "v1", "ada/sql", base=tiny_base(tmp_path / "base"))
    before = tree(hub.store)
    found = hub.scan([runs / "sql" / "v1"])
    assert list(hub.scan_add(found, "ada/sql")) == found
    assert tree(hub.store) == before


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(lambda name: name not in (".", "..")))
def test_any_folder_has_a_name(folder: str) -> None:
    assert name_for(Path("/runs") / folder, "ada/{folder}").startswith("ada/")


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("ada/{nobody}", WrongUsage),
        ("ada/{", WrongUsage),
        ("ada/}", WrongUsage),
        ("ada/{folder:>9999999999}", WrongUsage),
        ("ada/{folder!r}", WrongUsage),
        ("ada/{{folder}}", WrongUsage),
        ("", BadReference),
        ("./{folder}", WrongUsage),
        ("team:ada/{folder}", BadReference),
        ("ada/{folder}@sha256:0123abcd", BadReference),
        ("ada/{0}", WrongUsage),
        ("ada/{folder.x}", WrongUsage),
        ("ada/{folder[x]}", WrongUsage),
        ("{folder}", BadReference),
        ("ada/{folder}@", BadReference),
    ],
)
def test_a_template_that_makes_no_name_says_so_before_anything_is_added(
    hub: Hub, runs: Path, template: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match="the template") as refusal:
        check_template(hub.desk, template)
    assert "{folder}, {parent}, {grandparent}" in refusal.value.hint
    with pytest.raises(error, match="the template"):
        list(hub.scan_add(hub.scan([runs]), template))
    assert not hub.store.exists()


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("/runs/My runs/sql v2", "My-runs/sql-v2"),
        ("/a/_x_/..y..z", "x/y-z"),
        ("/a/a-..-b/c.-.d", "a-b/c.-.d"),
        ("/a/日本/b--c", "unnamed/b-c"),
        ("/" + "x" * 200 + "/y", "x" * 96 + "/y"),
    ],
)
def test_the_nearest_name_is_found_for_any_folder(place: str, name: str) -> None:
    assert name_for(Path(place), "{parent}/{folder}") == name


def test_a_path_that_is_not_there_is_not_found(hub: Hub) -> None:
    with pytest.raises(NotFound, match="nowhere: no such file or folder"):
        hub.scan(["./nowhere"])


def test_a_folder_nobody_may_read_is_a_row_with_the_reason(
    hub: Hub, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def guarded(path: Path) -> Any:
        if Path(path).name == "notes":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    row = {Path(row.path).name: row for row in hub.scan([runs])}["notes"]
    assert (row.health, row.digest, row.code) == ("unreadable", "", Refused.code)
    assert row.findings[0].message == f"{runs / 'notes'}: Permission denied"
    assert row.findings[0].remedy
    assert row in list(hub.scan_add([row]))


def test_a_place_whose_name_is_too_long_stops_no_other(hub: Hub, runs: Path) -> None:
    tiny_adapter(runs / ("x" * 90) / "long", seed=2)
    added = {Path(row.path).name: row for row in hub.scan_add(hub.scan([runs]), "ada/{parent}-{folder}-{folder}")}
    assert (added["long"].health, added["long"].code) == ("cannot-be-added", BadReference.code)
    assert added["v1"].reference == "ada/sql-v1-v1@1"


def test_a_folder_given_twice_is_scanned_once(hub: Hub, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    assert len(hub.scan(["sql", "./sql", runs / "sql", "../runs/sql"])) == 2


def test_a_folder_above_has_its_own_name(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs / "old")
    assert name_for(Path(".."), "{parent}/{folder}") == name_for(runs, "{parent}/{folder}")
