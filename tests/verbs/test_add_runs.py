"""`add` of what a trainer left: what the folder says becomes notes, and what a person says counts more."""

from pathlib import Path

import pytest

from adapterhub.hub import Hub
from tests.builders import tiny_adapter, tree
from tests.formats.runs.folders import axolotl, llamafactory


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def test_results_become_metrics_and_the_config_a_note(hub: Hub, tmp_path: Path) -> None:
    shown = hub.add(llamafactory(tmp_path / "out"), "ada/poet")
    assert shown == hub.show("ada/poet").model_copy(update={"left_out": shown.left_out})
    assert (shown.metrics["accuracy"], shown.cost) == (0.5, {"seconds": 321.5})
    assert shown.training["tool"] == "llamafactory"
    assert shown.manifest.training is None
    assert [row["reference"] for row in hub.search(where="accuracy>=0.5")] == ["ada/poet@1"]


def test_the_digest_is_that_of_the_bare_adapter(hub: Hub, tmp_path: Path) -> None:
    with_words = hub.add(llamafactory(tmp_path / "out"), "ada/poet")
    assert with_words.digest == hub.add(tiny_adapter(tmp_path / "bare"), "ada/bare").digest


def test_what_a_person_says_counts_more_than_the_folder(hub: Hub, tmp_path: Path) -> None:
    shown = hub.add(llamafactory(tmp_path / "out"), "ada/poet", metrics={"accuracy": 0.75}, cost={"seconds": 5})
    assert (shown.metrics["accuracy"], shown.metrics["loss"], shown.cost["seconds"]) == (0.75, 0.875, 5)


def test_adding_the_folder_again_takes_no_word_back(hub: Hub, tmp_path: Path) -> None:
    folder = llamafactory(tmp_path / "out")
    hub.add(folder, "ada/poet")
    hub.note("ada/poet", {"accuracy": 0.9, "loss": "none worth telling"})
    before = tree(hub.store)
    shown = hub.add(folder, "ada/poet")
    assert shown.metrics["accuracy"] == 0.9
    assert shown.values == {"loss": "none worth telling"}
    assert tree(hub.store) == before


def test_a_training_of_the_manifest_needs_no_note(hub: Hub, tmp_path: Path) -> None:
    shown = hub.add(axolotl(tmp_path / "out"), "ada/poet", training={"seed": 3})
    assert shown.training == {"seed": 3}
    notes = hub.desk.store.open(hub.desk.find("ada/poet")[0].digest).notes
    assert "training" not in {note.kind for note in notes}


def test_what_a_folder_says_travels_with_the_entry(hub: Hub, tmp_path: Path) -> None:
    hub.add(axolotl(tmp_path / "out"), "ada/poet")
    hub.remote_add("team", f"file://{tmp_path / 'team'}")
    hub.push(["ada/poet"])
    other = Hub.open(tmp_path / "other")
    other.remote_add("team", f"file://{tmp_path / 'team'}")
    other.pull(["ada/poet"])
    assert other.show("ada/poet").training == hub.show("ada/poet").training
    assert other.show("ada/poet").metrics["loss"] == 0.6125


def test_a_folder_is_shown_as_it_would_be_added(hub: Hub, tmp_path: Path) -> None:
    folder = llamafactory(tmp_path / "out")
    there, added = hub.show(folder), hub.add(folder, "ada/poet")
    assert (there.metrics, there.cost, there.training) == (added.metrics, added.cost, added.training)
