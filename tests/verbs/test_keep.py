"""`path`, `alias`, `tag`, `note`, `pin`, `remove`, `check`, `sweep`, `catalog`."""

from pathlib import Path

import pytest

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.hub import Hub
from adapterhub.note import Note
from adapterhub.reference import parse
from tests.builders import (
    adapter_files,
    entry,
    hub_with_card,
    tiny_adapter,
    tiny_base,
    tree,
)


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub with one adapter that has a card."""
    return hub_with_card(tmp_path)


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


def test_what_is_said_now_counts_though_a_clock_that_was_ahead_had_spoken_before(hub: Hub) -> None:
    digest, then = str(entry().digest), "2999-01-01T00:00:00.000000Z"
    early = Note(about=digest, kind="metrics", data={"accuracy": 0.5}, time=then)
    for note in (early, Note(about=digest, kind="tags", data={"add": ["old"]}, time=then)):
        hub.desk.store.note(parse("ada/poet@1"), note)
    hub.tag("ada/poet", ["new"], drop=["old"])
    hub.note("ada/poet", {"accuracy": "unknown"})
    shown = hub.show("ada/poet")
    assert (shown.tags, shown.metrics, shown.values) == (("new",), {}, {"accuracy": "unknown"})


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
