"""A config is a file, its fields, or what was made of them, wherever the front door takes one."""

import pytest
import yaml

from adapterhub.errors import WrongUsage
from adapterhub.verbs.train_config import read_config
from tests.verbs.training import Workshop


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workshop with an adapter, the same as a folder that says nothing of its task, and a whole model."""
    made = Workshop.of(tmp_path_factory.mktemp("here"))
    made.train()
    made.train(follows="ada/topic@1", data={"train": "validation.csv", "validation": None})
    made.hub.export("ada/topic@1", made.folder / "exported")
    made.hub.add(made.folder / "exported", "ada/bare")
    return made


@pytest.fixture(params=["file", "fields", "config"])
def config(request, place):
    """run.yaml in three ways; the last two with a base that is found from anywhere."""
    fields = yaml.safe_load(place.config.read_text())
    fields |= {"base": str(place.folder / "tiny"), "adapter": {"rank": 4, "targets": ["query", "value"]}}
    fields["data"] = {"train": str(place.folder / "train.csv"), "labels": ["poem", "prose"]}
    if request.param == "fields":
        return fields
    path = place.folder / "elsewhere.yaml"
    path.write_text(yaml.safe_dump(fields))
    return path if request.param == "file" else read_config(path)[0]


def test_an_entry_is_measured_with_a_config_of_any_kind(place, config):
    rows = place.folder / "test.csv"
    assert place.hub.evaluate("ada/bare", rows, config=config).metrics["accuracy"] > 0.8


def test_forgetting_is_measured_with_a_config_of_any_kind(place, config):
    rows = [place.folder / "test.csv", place.folder / "validation.csv"]
    found = place.hub.forgetting("ada/bare", rows, config=config)
    assert (found.entries, found.task) == (("ada/bare@1",), "text-classification")
    assert min(found.scores[0]) > 0.8


def test_a_config_measures_anew_what_was_noted(place, monkeypatch):
    rows = [place.folder / "test.csv"]
    known = place.hub.forgetting("ada/topic@1", rows)
    monkeypatch.setattr("adapterhub.verbs.evaluate.measured", None)
    assert place.hub.forgetting("ada/topic@1", rows) == known
    with pytest.raises(TypeError):
        place.hub.forgetting("ada/topic@1", rows, config=place.config)


def test_an_entry_alone_is_measured_unless_its_ancestors_are_asked_for(place):
    rows = [place.folder / "test.csv", place.folder / "validation.csv"]
    assert place.hub.forgetting("ada/topic@2", rows).entries == ("ada/topic@2",)
    assert place.hub.forgetting("ada/topic@2", rows, ancestors=True).entries == ("ada/topic@1", "ada/topic@2")


def test_a_model_is_recovered_with_a_config_of_any_kind(place, config):
    made = place.hub.compress(
        place.folder / "tiny", "ada/small", prune=0.5, recover=config, data=place.folder / "test.csv"
    )
    assert "accuracy" in made.metrics
    assert made.manifest.training["config"]["adapter"]["targets"] == ["query", "value"]


def test_a_config_that_is_wrong_is_told_everywhere(place):
    rows = place.folder / "test.csv"
    for ask in (
        lambda: place.hub.evaluate("ada/bare", rows, config={"task": "x"}),
        lambda: place.hub.forgetting("ada/bare", [rows], config={"task": "x"}),
        lambda: place.hub.compress(place.folder / "tiny", "ada/x", prune=0.5, recover={"task": "x"}),
    ):
        with pytest.raises(WrongUsage, match="the config: "):
            ask()
