"""What is wrong between a model and what is asked of it is told as what it is: other labels, other weights."""

import pytest

from adapterhub.errors import DoesNotFit
from tests.verbs.training import Workshop

FULL = {"adapter": {"method": "full", "rank": 8}, "optim": {"lr": 5e-3, "epochs": None, "steps": 2}}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A whole model that tells poems from prose, and an adapter of what it was before."""
    made = Workshop.of(tmp_path_factory.mktemp("here"), optim={"epochs": None, "steps": 2})
    made.train()
    made.write(name="ada/whole", **FULL)
    made.train()
    return made


@pytest.fixture
def turned(place):
    """A config that asks for its labels in another order."""
    return place.write(name="ada/turned", data={"labels": ["prose", "poem"]}, **FULL)


TOLD = "its head is for the labels poem, prose, and asked for are prose, poem"


def test_labels_in_another_order_than_the_heads_are_told_where_it_is_measured(place, turned):
    with pytest.raises(DoesNotFit, match=TOLD) as refusal:
        place.hub.evaluate("ada/whole", place.folder / "test.csv", config=turned)
    assert "data.labels: [poem, prose]" in refusal.value.hint


def test_labels_in_another_order_than_the_heads_are_told_where_it_is_compressed(place, turned):
    rows = place.folder / "test.csv"
    made = place.hub.compress("ada/whole", "ada/small", prune=0.5, data=rows, config=turned)
    (finding,) = [one for one in made.findings if one.check == "not-measured"]
    assert finding.message.startswith(f"ada/whole: {TOLD}")
    assert "accuracy" not in made.metrics


def test_that_a_new_head_is_drawn_for_another_order_is_told(place, turned):
    found = place.hub.train_plan(turned, base="ada/whole").findings
    assert [(one.check, one.place) for one in found] == [("other-head", "data.labels")]
    assert place.hub.train_plan(turned, base="ada/whole", data={"labels": ["poem", "prose"]}).findings == ()


def test_an_adapter_of_other_weights_is_told(place):
    made = place.hub.compress(place.folder / "tiny", "ada/one", adapter="ada/topic")
    assert "other-base" not in [one.check for one in made.findings]
    made = place.hub.compress("ada/whole", "ada/two", adapter="ada/topic")
    (finding,) = [one for one in made.findings if one.check == "other-base"]
    assert (finding.place, finding.severity) == ("ada/topic@1", "warning")
    assert "was trained on weights sha256:" in finding.message
