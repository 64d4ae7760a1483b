"""A task of one's own, in a run: what is wrong with it is told before the first step, and no finished run is lost."""

import sys
from itertools import count

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.train.engine.step import Stepper
from tests.verbs.training import Stop, Stopper, Workshop

OWN = """
import math

from adapterhub.train.tasks.table import prepare

CALLS = []


def make(config, base, train):
    return Mine(prepare(config.model_copy(update={"task": "text-classification"}), base, train))


class Mine:
    def __init__(self, inner):
        self.inner, self.metric = inner, "accuracy"

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def measure(self, answers, examples):
        CALLS.append(len(examples))
        return {**self.inner.measure(answers, examples), **MORE}


MORE = {}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A workshop whose store stays empty."""
    return Workshop.of(tmp_path_factory.mktemp("here"))


@pytest.fixture
def place(tmp_path):
    return Workshop.of(tmp_path / "here")


NUMBERS = count()


def own(place, more="", **changes):
    """Write run.yaml for a task of one's own, under a name no other test has imported; the name."""
    name = f"own_{next(NUMBERS)}"
    (place.folder / f"{name}.py").write_text(OWN + more)
    place.write(task=f"{name}:make", optim=SHORT, **changes)
    return name


SHORT = {"epochs": None, "steps": 2}


@pytest.fixture
def untrained(monkeypatch):
    def step(*_):
        raise AssertionError("something was trained")

    monkeypatch.setattr(Stepper, "__call__", step)


UNNAMEABLE = "MORE = {'a b\\n|c': 1.0}"
UNMEASURED = "Mine.measure = lambda self, answers, examples: {'loss': 0.5}"


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("rows", [{}, {"validation": None}], ids=["validation", "test alone"])
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (UNNAMEABLE, "a metric's name is printable text"),
        (UNMEASURED, "the task's metric: accuracy is not measured here; there are loss"),
        ("Mine.measure = lambda self, answers, examples: 1 / 0", r"measure: ZeroDivisionError: .*, in own_\d+.py line"),
        ("Mine.answers = lambda self, model, batch: [1]", r"answers are 1 for a batch of [23]0 examples"),
    ],
)
def test_what_is_wrong_with_its_metrics_is_told_before_the_first_step(shared, more, told, rows):
    own(shared, more, data=rows)
    with pytest.raises(WrongUsage, match=told) as refusal:
        shared.train()
    assert refusal.value.hint
    assert shared.names == []


def test_a_metric_that_is_no_number_is_told_and_left_out_and_the_run_is_published(place):
    said = []
    own(place, "MORE = {'auc': math.nan}")
    trained = place.train(tell=said.append)
    assert "warning: auc: is nan before the first step; see whether" in said[0]
    assert place.names == ["ada/topic@1"]
    assert {"accuracy", "loss", "validation_accuracy"} <= trained.metrics.keys()
    assert "auc" not in trained.metrics
    (finding,) = trained.findings
    assert (finding.check, finding.place, finding.message) == (
        "no-number",
        "auc",
        "is nan on 30 test rows, and not in the entry",
    )


def test_it_is_measured_before_the_first_step_and_not_again_where_a_run_goes_on(place):
    name = own(place)
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(2),), checkpoint_every=1)
    place.train()
    assert sys.modules[name].CALLS == [20, 20, 30]  # before the first step, at the last, and of the entry


def test_it_learns_what_the_task_inside_it_learns(place):
    own(place)
    mine = place.train()
    place.write(optim=SHORT, name="ada/plain")
    assert mine.metrics == place.train().metrics
