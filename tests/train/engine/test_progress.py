"""What follows from a validation: the best so far, a lower rate, an end."""

import math

import pytest

from adapterhub.document import canonical
from adapterhub.errors import WrongUsage
from adapterhub.train.config import OptimConfig, ValidationConfig
from adapterhub.train.engine.progress import Progress, judged
from adapterhub.train.metrics.direction import Compared


def run(values, metric="accuracy", *, patience=None, **optim):
    """The progress after each of some validations."""
    asked, optim, now, found = ValidationConfig(patience=patience), OptimConfig(**optim), Progress(), []
    compared = Compared.of(metric)
    for step, value in enumerate(values, 1):
        now = judged(now.model_copy(update={"step": step}), {metric: value}, compared, asked=asked, optim=optim)
        found.append(now)
    return found


def test_the_best_is_the_largest_and_the_first_of_equals():
    assert [one.best_step for one in run([0.1, 0.5, 0.5, 0.4])] == [1, 2, 2, 2]


def test_of_losses_the_smallest_is_the_best():
    assert [one.best_step for one in run([0.5, 0.6, 0.2], "loss")] == [1, 1, 3]


def test_patience_counts_validations_without_a_better_one():
    assert [one.stopped for one in run([0.5, 0.4, 0.6, 0.6, 0.1], patience=2)] == [False, False, False, False, True]


def test_a_plateau_lowers_the_rate_and_waits_again():
    rates = [one.rate for one in run([1, 0, 0, 0, 0, 2, 0], schedule="plateau", plateau_patience=2, plateau_factor=0.1)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01, 0.01])


def test_other_schedules_keep_their_rate():
    assert {one.rate for one in run([1, 0, 0, 0, 0], schedule="constant", plateau_patience=1)} == {1.0}


def test_a_metric_that_is_no_number_is_never_the_best():
    found = run([math.nan, 0.2, math.nan, math.inf])
    assert [one.best_step for one in found] == [None, 2, 2, 2]
    assert found[0].since_best == 1
    assert found[-1].best == {"accuracy": 0.2}


def test_progress_can_be_written_whatever_a_metric_was():
    measured, accuracy = {"accuracy": 1.0, "auc": math.nan}, Compared.of("accuracy")
    now = judged(Progress(step=1), measured, accuracy, asked=ValidationConfig(), optim=OptimConfig())
    assert Progress.from_bytes(canonical(now.plain()), "progress") == now


@pytest.mark.parametrize(("asked", "whose"), [("f1", "validation.metric"), (None, "the task's metric")])
def test_a_metric_nobody_measures_is_told_with_those_there_are_and_who_asked_for_it(asked, whose):
    config = ValidationConfig(metric=asked)
    with pytest.raises(WrongUsage, match=f"^{whose}: f1 is not measured here; there are accuracy, loss"):
        judged(Progress(), {"loss": 1.0, "accuracy": 1.0}, Compared.of("f1"), asked=config, optim=OptimConfig())
