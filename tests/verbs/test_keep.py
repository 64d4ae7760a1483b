"""`export`, `path`, `alias`, `tag`, `note`, `pin`, `remove`, `check`, `sweep`, `catalog`."""

import os
from pathlib import Path
from typing import Any

import pytest

from adapterhub.errors import Conflict, Corrupt, NotFound, WrongUsage
from adapterhub.hub import Hub
from tests.builders import (
    POET,
    adapter_files,
    entry,
    entry_of,
    read_all,
    tiny_adapter,
    tiny_base,
    tree,
    write_files,
)

CARD = "# Gedicht\r\nfür dich\n".encode()


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub with one adapter that has a card."""
    hub = Hub.open(tmp_path / "store")
    hub.add(write_files(tiny_adapter(tmp_path / "run"), {"README.md": CARD}), "ada/poet")
    return hub


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


def test_path_gives_a_folder_that_is_not_the_blobs(hub: Hub) -> None:
    folder = hub.path("ada/poet")
    assert tree(folder) == adapter_files()
    (folder / "adapter_config.json").unlink()
    (folder / "adapter_config.json").write_bytes(b"meddled")
    assert hub.check().ok
    assert tree(hub.path("ada/poet")) == adapter_files()


def test_tags_metrics_and_notes_change_no_digest_and_no_version(hub: Hub) -> None:
    hub.tag("ada/poet", ["calm", "old"])
    hub.tag("ada/poet", ["new"], drop=["old"])
    hub.note("ada/poet", {"accuracy": 0.9, "reviewer": "ada"})
    hub.note("ada/poet", {"accuracy": 0.95})
    shown = hub.show("ada/poet")
    assert (shown.digest, shown.reference) == (str(entry().digest), "ada/poet@1")
    assert (shown.tags, shown.metrics, shown.values) == (("calm", "new"), {"accuracy": 0.95}, {"reviewer": "ada"})


def test_saying_again_what_is_known_writes_nothing(hub: Hub) -> None:
    def say() -> None:
        hub.tag("ada/poet", ["calm"], drop=["never"])
        hub.note("ada/poet", {"accuracy": 0.9, "reviewer": "ada"})

    say()
    before = tree(hub.store)
    say()
    assert tree(hub.store) == before


@pytest.mark.parametrize("bad", [{"accuracy": float("nan")}, {"a\nb": 1.0}, {"big": 10**400}, {}, {"yes": True}])
def test_a_bad_note_changes_nothing(hub: Hub, bad: dict[str, float]) -> None:
    before = tree(hub.store)
    with pytest.raises(WrongUsage):
        hub.note("ada/poet", bad)
    with pytest.raises(WrongUsage):
        hub.tag("ada/poet", [])
    assert tree(hub.store) == before


def test_a_pin_is_a_note_with_its_card(hub: Hub, tmp_path: Path) -> None:
    hub.pin("ada/poet", tiny_base(tmp_path / "base"))
    shown = hub.show("ada/poet")
    assert (shown.digest, shown.base["evidence"]) == (str(entry().digest), "bytes")
    assert shown.base["weights_digest"] == hub.base_show(tmp_path / "base").weights_digest


def test_removing_several_versions_wants_a_pin_or_all(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_adapter(tmp_path / "b", seed=1), "ada/poet")
    with pytest.raises(WrongUsage, match=r"ada/poet has 2 versions: 1, 2; which one\?") as refusal:
        hub.remove("ada/poet")
    assert refusal.value.hint == "write ada/poet@2, or give --all to remove them all"
    assert [line.reference.pin for line in hub.remove("ada/poet@1")] == ["1"]
    assert [line.reference.pin for line in hub.remove("ada/poet")] == ["2"]
    with pytest.raises(NotFound):
        hub.show("ada/poet")


def test_removing_all_takes_the_aliases_along(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_adapter(tmp_path / "b", seed=1), "ada/poet")
    hub.alias("ada/poet@1", "prod")
    assert len(hub.remove("ada/poet", everything=True)) == 2
    assert (hub.list(), hub.check().damage) == ([], ())


def test_a_removed_version_is_swept_after_its_grace_and_not_before(hub: Hub) -> None:
    hub.remove("ada/poet")
    assert (hub.sweep().deleted, hub.sweep(grace=0).deleted) == (0, 3)
    with pytest.raises(WrongUsage, match="the grace period is -1"):
        hub.sweep(grace=-1)


def test_repair_asks_the_remotes_that_can_be_reached(hub: Hub, tmp_path: Path) -> None:
    hub.remote_add("gone", f"file://{tmp_path}/gone")
    hub.remote_add("team", f"file://{tmp_path}/team")
    hub.push(["ada/poet"], "team")
    hub.desk.store.layout.blob(entry().digest).unlink()
    assert not hub.check().ok
    assert hub.check(repair=True).ok


def test_a_catalog_lies_beside_the_names(hub: Hub) -> None:
    assert hub.catalog() == hub.store / "catalog.json"


def test_one_version_and_all_of_them_cannot_be_removed_at_once(hub: Hub) -> None:
    before = tree(hub.store)
    with pytest.raises(WrongUsage, match="ada/poet@1 is one version"):
        hub.remove("ada/poet@1", everything=True)
    assert tree(hub.store) == before


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
