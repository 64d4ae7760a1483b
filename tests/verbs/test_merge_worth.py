"""A merge that is measured: the sum before, the entry after, and a word where the cut cost too much."""

import shutil

import pytest
import yaml

from adapterhub.errors import NotFound, WrongUsage
from tests.verbs.training import Workshop


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A workshop with two adapters with heads; tests add entries, and change none."""
    place = Workshop.of(tmp_path_factory.mktemp("here"))
    place.train()
    place.train(name="ada/tone", seed=1)
    return place


@pytest.fixture
def unseen(done):
    return done.folder / "test.csv"


def worth(done, word, unseen, **how):
    return done.hub.evaluate(word, unseen, **how).metrics


def test_a_cut_adapter_is_measured_before_and_after_and_keeps_its_head(done, unseen):
    made = done.hub.merge("ada/topic", "ada/small", rank=2, data=unseen)
    assert made.facts.rank == 2
    assert made.before == worth(done, "ada/topic", unseen)
    assert made.after == worth(done, made.reference, unseen)
    assert made.after["loss"] != made.before["loss"]
    assert made.relative_error > 1e-4
    [noted] = done.hub.show("ada/small").evaluation.values()
    assert noted["metrics"] == made.after


def test_what_is_not_cut_is_worth_the_same_and_nothing_is_found(done, unseen):
    both = "ada/topic*0.5 + ada/tone*0.5"
    made = done.hub.merge(both, "ada/both", choose="ada/topic", data=unseen)
    assert made.before == worth(done, both, unseen, choose="ada/topic")
    assert made.after["loss"] == pytest.approx(made.before["loss"], rel=1e-5)
    assert not [one for one in made.findings if one.check == "worth-less"]


def test_a_fall_by_more_than_a_point_is_a_warning_that_says_how_far(done, unseen):
    made = done.hub.merge("ada/topic", "ada/gone", "magnitude_prune", set={"density": 0.001}, data=unseen)
    assert made.after["accuracy"] < made.before["accuracy"] - 0.01
    [found] = [one for one in made.findings if one.check == "worth-less"]
    assert (found.severity, found.place) == ("warning", "accuracy")
    assert found.message.startswith(f"{made.after['accuracy']:.4f} on 30 rows, and {made.before['accuracy']:.4f} ")
    assert "--method" in found.remedy


def test_where_a_live_model_cannot_take_it_there_is_an_after_alone(done, unseen, tmp_path):
    meant = done.hub.merge("ada/topic*0.5 + ada/tone*0.5", "ada/meant", choose="mean", data=unseen)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"adapters": [{"adapter": "ada/topic"}], "rank": 1}))
    cut = done.hub.merge(str(recipe), "ada/recipe", data=unseen)
    for made in (meant, cut):
        assert made.before == {}
        assert made.after == worth(done, made.reference, unseen)


def test_without_rows_nothing_is_measured(done, monkeypatch):
    monkeypatch.setattr("adapterhub.verbs.evaluate.measured", None)
    made = done.hub.merge("ada/topic", "ada/quiet", rank=1)
    assert (made.before, made.after) == ({}, {})


@pytest.mark.parametrize("how", [{}, {"choose": "mean"}])
def test_rows_that_are_wrong_are_told_before_anything_is_written(done, tmp_path, how):
    both = "ada/topic*0.5 + ada/tone*0.5" if how else "ada/topic"
    with pytest.raises(NotFound, match=r"none\.csv"):
        done.hub.merge(both, "ada/never", data=tmp_path / "none.csv", **how)
    (tmp_path / "other.csv").write_text("title,label\nw1,poem\n")
    with pytest.raises(WrongUsage, match="no column 'text'"):
        done.hub.merge(both, "ada/never", data=tmp_path / "other.csv", **how)
    assert "ada/never@1" not in done.names


def test_a_base_that_moved_is_known_again_once_it_is_added(tmp_path):
    moved = Workshop.of(tmp_path / "there")
    moved.train(optim={"epochs": None, "steps": 1})
    shutil.move(moved.folder / "tiny", moved.folder / "moved")
    with pytest.raises(NotFound, match="is not known on this machine") as refusal:
        moved.hub.merge("ada/topic", "ada/small", rank=1, data=moved.folder / "test.csv")
    assert "`adapterhub base add ./base`" in refusal.value.hint
    assert moved.names == ["ada/topic@1"]
    moved.hub.base_add(moved.folder / "moved")
    made = moved.hub.merge("ada/topic", "ada/small", rank=1, data=moved.folder / "test.csv")
    assert made.after.keys() == made.before.keys()
