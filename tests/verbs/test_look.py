"""`show`, `list`, `search`, `log`: look, and touch nothing."""

from pathlib import Path

import pytest

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.hub import Hub
from adapterhub.store.store import Store
from tests.builders import filled, tiny_adapter, tree, write_files


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def test_showing_a_folder_tells_what_add_would_make_of_it(hub: Hub, tmp_path: Path) -> None:
    folder = write_files(tiny_adapter(tmp_path / "run"), {"README.md": b"# Poet", "optimizer.pt": b"x"})
    shown = hub.show(folder)
    assert not hub.store.exists()
    added = hub.add(folder, "ada/poet")
    for part in ("digest", "manifest", "facts", "findings", "card", "left_out"):
        assert getattr(shown, part) == getattr(added, part), part
    assert (shown.reference, shown.known_as) == (str(folder), ())
    assert hub.show(folder).known_as == ("ada/poet@1",)


def test_a_rotten_name_does_not_hide_what_the_others_are_called(hub: Hub, tmp_path: Path) -> None:
    folder = tiny_adapter(tmp_path / "run")
    hub.add(folder, "ada/poet")
    hub.add(tiny_adapter(tmp_path / "other", seed=1), "aaa/first")
    (hub.store / "names/aaa/first/versions/1").write_bytes(b"rot")
    assert hub.show(folder).known_as == ("ada/poet@1",)


def test_showing_an_entry_of_a_remote_touches_nothing_here(hub: Hub, tmp_path: Path) -> None:
    filled(tmp_path / "team", "ada/poet")
    hub.remote_add("team", f"file://{tmp_path}/team")
    before = tree(hub.store)
    assert hub.show("team:ada/poet").facts.rank == 2
    assert tree(hub.store) == before


def test_a_pin_noted_later_that_contradicts_the_manifest_is_a_finding(hub: Hub, tmp_path: Path) -> None:
    from tests.builders import tiny_base

    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet", base=tiny_base(tmp_path / "one"))
    hub.pin("ada/poet", tiny_base(tmp_path / "two", seed=5))
    shown = hub.show("ada/poet")
    assert "pin-contradicted" in [finding.check for finding in shown.findings]
    assert shown.base["weights_digest"] == shown.manifest.plain()["base"]["weights_digest"]


def test_a_folder_that_is_not_there_is_not_found(hub: Hub) -> None:
    with pytest.raises(NotFound, match=r"\./nowhere: no such file or folder"):
        hub.show("./nowhere")


def test_looking_into_no_store_finds_nothing_and_makes_none(hub: Hub) -> None:
    assert (hub.list(), hub.search("x"), hub.log()) == ([], [], [])
    assert not hub.store.exists()


def test_a_log_tells_of_a_name_or_of_one_version(hub: Hub, tmp_path: Path) -> None:
    for seed in range(2):
        hub.add(tiny_adapter(tmp_path / str(seed), seed=seed), "ada/poet")
    hub.add(tiny_adapter(tmp_path / "x", seed=7), "ada/x")
    hub.alias("ada/poet@1", "prod")
    assert [(event.action, event.reference) for event in hub.log("ada/poet")] == [
        ("publish", "ada/poet@1"),
        ("publish", "ada/poet@2"),
        ("alias", "ada/poet@1"),
    ]
    assert [event.action for event in hub.log("ada/poet@prod")] == ["publish", "alias"]
    assert len(hub.log()) == 4
    with pytest.raises(NotFound, match="ada/none: no such adapter"):
        hub.log("ada/none")
    with pytest.raises(WrongUsage):
        hub.log("./run")


def test_search_finds_by_metric_and_tag(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_adapter(tmp_path / "a"), "ada/poet", metrics={"accuracy": 0.95}, tags=["calm"])
    hub.add(tiny_adapter(tmp_path / "b", rank=8), "ada/x", metrics={"accuracy": 0.5})
    assert [row["reference"] for row in hub.search(where="accuracy>0.9 and tag=calm")] == ["ada/poet@1"]
    assert [row["reference"] for row in hub.search(where="rank>=8")] == ["ada/x@1"]


def test_one_damaged_adapter_hides_no_other(hub: Hub) -> None:
    store = filled(hub.store, "ada/poet", "ada/x")
    (store.layout.names / "ada" / "poet" / "versions" / "1").write_bytes(b"rot")
    assert [(row.reference, row.facts.health == "unreadable") for row in Hub(Store(hub.store)).list()] == [
        ("ada/poet@1", True),
        ("ada/x@1", False),
    ]
