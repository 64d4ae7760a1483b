"""A task of one's own, in a run: what is wrong with it is told before the first step, and no finished run is lost."""

import sys
from itertools import count

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.train.engine.step import Stepper
from adapterhub.train.resources.precision import Diverged
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
    monkeypatch.setattr(Stepper, "probe", step)


UNNAMEABLE = "MORE = {'a b\\n|c': 1.0}"
UNMEASURED = "Mine.measure = lambda self, answers, examples: {'loss': 0.5}"


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", ["train", "train_plan"])
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
def test_what_is_wrong_with_its_metrics_is_told_before_the_first_step(shared, verb, more, told, rows):
    own(shared, more, data=rows)
    with pytest.raises(WrongUsage, match=told) as refusal:
        getattr(shared.hub, verb)(shared.config)
    assert refusal.value.hint
    assert shared.names == []


def test_a_metric_that_is_no_number_is_told_and_left_out_and_the_run_is_published(place):
    said = []
    own(place, "MORE = {'auc': math.nan}")
    trained = place.train(tell=said.append)
    assert "warning: auc: is nan before the first step; see whether" in said[0]
    (finding,) = place.hub.train_plan(place.config).findings
    assert (finding.check, finding.place) == ("no-number", "auc")
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


SCORED = """
Mine.measure = lambda self, answers, examples: {"loss": 0.5, WORD: float(CALLS.append(1) or len(CALLS))}
first = make
def make(*given):
    mine = first(*given)
    mine.metric = WORD
    return mine
"""


@pytest.mark.parametrize("verb", ["train", "train_plan"])
def test_a_metric_of_which_nothing_says_the_direction_is_told(place, verb):
    own(place, "WORD = 'score'" + SCORED)
    (found,) = [one for one in getattr(place.hub, verb)(place.config).findings if one.check == "unknown-direction"]
    assert (found.place, found.severity) == ("score", "warning")
    assert "less_is_better" in found.remedy


@pytest.mark.parametrize(
    ("word", "said", "best"),
    [
        ("score", "", 2),
        ("score", "Mine.less_is_better = True", 1),
        ("RMSE", "", 1),
        ("RMSE", "Mine.less_is_better = False", 2),
    ],
)
def test_what_is_kept_goes_by_what_the_task_says_else_by_the_name_of_its_metric(place, word, said, best):
    own(place, f"WORD = {word!r}{SCORED}{said}", validation={"every": 1})
    trained = place.train()
    assert trained.best_step == best
    told = "unknown-direction" in {one.check for one in trained.findings}
    assert told is (word == "score" and not said)


def test_a_search_and_a_resumed_search_go_by_what_the_task_says(place):
    own(
        place, f"WORD = 'score'{SCORED}Mine.less_is_better = True", validation={"every": 1}, search={"lr": [1e-3, 1e-2]}
    )
    found = place.hub.train_search(place.config)
    assert found.less_is_better is True
    assert found.best == min(found.rungs, key=lambda rung: rung.value)
    assert place.hub.train_search(place.config).best == found.best


def test_a_direction_that_is_no_bool_is_told(shared):
    own(shared, "Mine.less_is_better = 'yes'")
    with pytest.raises(WrongUsage, match="less_is_better is 'yes', wanted True or False"):
        shared.train()


def test_an_example_of_a_task_that_leaves_rows_out_is_not_named_by_a_row(place):
    own(place, "Mine.examples = lambda self, table: self.inner.examples(table)[1:]")
    with pytest.raises(Diverged, match="in the batch with example") as told:
        place.train(optim={**SHORT, "lr": 1e30})
    assert "train.csv" not in str(told.value)
