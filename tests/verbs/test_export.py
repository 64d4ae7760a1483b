"""`export`: a folder that is whole or not there, and nothing of somebody else's is touched."""

import os
from pathlib import Path
from typing import Any

import pytest

from adapterhub.errors import Conflict, Corrupt, NotFound
from adapterhub.hub import Hub
from tests.builders import (
    CARD,
    POET,
    adapter_files,
    entry,
    entry_of,
    hub_with_card,
    read_all,
    tiny_adapter,
    tree,
    write_files,
)


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub with one adapter that has a card."""
    return hub_with_card(tmp_path)


def test_export_gives_back_every_byte(hub: Hub, tmp_path: Path) -> None:
    done = hub.export("ada/poet", tmp_path / "out" / "deep")
    assert tree(tmp_path / "out" / "deep") == {**adapter_files(), "README.md": CARD}
    assert (done.reference, set(done.files)) == ("ada/poet@1", {*adapter_files(), "README.md"})
    assert hub.show(tmp_path / "out" / "deep").digest == done.digest


def test_export_into_an_empty_folder_or_over_itself_is_fine(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for _ in range(2):
        hub.export("ada/poet", tmp_path / "out")
        assert tree(tmp_path / "out") == {**adapter_files(), "README.md": CARD}
    (tmp_path / "out" / "adapter_config.json").unlink()
    hub.export("ada/poet", tmp_path / "out")
    assert tree(tmp_path / "out") == {**adapter_files(), "README.md": CARD}


def test_an_empty_folder_is_replaced_in_one_step(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    before = (tmp_path / "out").stat().st_ino
    hub.export("ada/poet", tmp_path / "link")
    assert tree(tmp_path / "out") == {**adapter_files(), "README.md": CARD}
    assert (tmp_path / "out").stat().st_ino != before


def test_export_into_the_folder_one_stands_in_leaves_one_there(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    hub.export("ada/poet", Path())
    assert tree(Path.cwd()) == {**adapter_files(), "README.md": CARD}


@pytest.mark.parametrize(
    "there",
    [
        {"thesis.tex": b"x"},
        {"adapter_config.json": b"{}"},
        {"README.md": b"my own words"},
        {"deep/adapter_config.json": b"x"},
    ],
)
def test_export_never_overwrites_other_files(hub: Hub, tmp_path: Path, there: dict[str, bytes]) -> None:
    write_files(tmp_path / "out", there)
    before = tree(tmp_path)
    with pytest.raises(Conflict, match="is there already and holds other files"):
        hub.export("ada/poet", tmp_path / "out")
    assert tree(tmp_path) == before


def test_export_over_a_file_is_a_conflict(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(Conflict):
        hub.export("ada/poet", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"mine"


@pytest.mark.parametrize("empty", [False, True])
def test_a_rotten_blob_exports_nothing(hub: Hub, tmp_path: Path, empty: bool) -> None:
    blob = hub.desk.store.layout.blob(entry().manifest.files[1].blob)
    blob.chmod(0o644)
    blob.write_bytes(b"rot")
    (tmp_path / "x").mkdir()
    if empty:
        (tmp_path / "x" / "out").mkdir()
    before = tree(tmp_path / "x")
    with pytest.raises(Corrupt, match=r"adapter_model\.safetensors: expected sha256:.*not written"):
        hub.export("ada/poet", tmp_path / "x" / "out")
    assert tree(tmp_path / "x") == before


def test_export_of_what_is_not_there_makes_no_folder(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        hub.export("ada/none", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("there", [{"README.md": b"mine"}, {"deep/x": b""}, {"adapter_config.json/x": b""}])
def test_export_stops_at_the_first_thing_that_is_not_the_entrys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: dict[str, bytes]
) -> None:
    hub = Hub.open(tmp_path / "store")
    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet")
    write_files(tmp_path / "out", there)
    looked = []
    scan = os.scandir

    def watched(path: Path) -> Any:
        looked.append(Path(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", watched)
    monkeypatch.setattr(Path, "rglob", lambda *_: pytest.fail("the whole folder is walked"))
    with pytest.raises(Conflict, match="holds other files"):
        hub.export("ada/poet", tmp_path / "out")
    assert [path for path in looked if path.is_relative_to(tmp_path / "out")] == [tmp_path / "out"]


def test_the_root_of_the_disk_is_no_place_to_export_to(hub: Hub) -> None:
    with pytest.raises(Conflict, match="/ is there already and holds other files"):
        hub.export("ada/poet", Path("/"))


def test_an_entry_of_no_known_format_is_exported_byte_for_byte_and_shown_with_the_reason(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    files = {"weights.xyz": b"\0\1\2", "deep/part.bin": b"more"}
    hub.desk.store.publish(entry_of(files), POET)
    hub.export("ada/poet", tmp_path / "out")
    assert read_all(hub.desk.store.open(hub.desk.store.resolve(POET).digest)) == files
    assert {name: data for name, data in tree(tmp_path / "out").items() if data is not None} == files
    shown = hub.show("ada/poet")
    assert (shown.facts.format, [finding.check for finding in shown.findings]) == ("?", ["unreadable"])
    assert "no known format" in shown.findings[0].message


def test_an_entry_without_files_is_exported_and_shown(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    hub.desk.store.publish(entry_of({}), POET)
    assert hub.export("ada/poet", tmp_path / "out").files == ()
    assert tree(tmp_path / "out") == {}
    assert hub.show("ada/poet").facts.format == "?"
