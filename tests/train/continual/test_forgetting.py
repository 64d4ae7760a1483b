"""The figures of a sequence of tasks."""

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.train.continual.forgetting import Forgetting, forgetting

SCORES = [[0.9], [0.7, 0.8], [0.8, 0.5, 1.0]]


def test_the_figures_are_those_of_the_papers():
    told = forgetting(["a", "b", "c"], SCORES)
    assert told.average == pytest.approx((0.8 + 0.5 + 1.0) / 3)
    assert told.forgetting == pytest.approx(((0.9 - 0.8) + (0.8 - 0.5)) / 2)
    assert told.backward_transfer == pytest.approx(((0.8 - 0.9) + (0.5 - 0.8)) / 2)
    assert told.by_task == pytest.approx({"a": 0.1, "b": 0.3})


def test_what_was_lost_counts_from_the_best_of_before_and_not_from_the_first():
    told = forgetting(["a", "b", "c"], [[0.5], [0.9, 0.8], [0.6, 0.8, 1.0]])
    assert told.by_task["a"] == pytest.approx(0.3)
    assert told.backward_transfer == pytest.approx((0.1 + 0.0) / 2)


def test_a_task_that_became_better_is_forgotten_less_than_nothing():
    assert forgetting(["a", "b"], [[0.5], [0.7, 0.8]]).forgetting == pytest.approx(-0.2)


def test_of_a_loss_the_rise_is_what_is_lost():
    told = forgetting(["a", "b"], [[0.2], [0.7, 0.3]], "loss", less_is_better=True)
    assert told.forgetting == pytest.approx(0.5)
    assert told.backward_transfer == pytest.approx(-0.5)
    assert told.average == pytest.approx(0.5)


def test_scores_on_tasks_that_come_later_may_stand_there():
    full = [[0.9, 0.1, 0.1], [0.7, 0.8, 0.1], [0.8, 0.5, 1.0]]
    assert forgetting(["a", "b", "c"], full).forgetting == forgetting(["a", "b", "c"], SCORES).forgetting


def test_a_single_task_forgets_nothing():
    told = forgetting(["a"], [[0.9]])
    assert (told.average, told.forgetting, told.backward_transfer) == (0.9, 0.0, 0.0)


def test_the_document_survives_its_bytes_and_names_its_metrics():
    told = forgetting(["a", "b", "c"], SCORES)
    assert Forgetting.from_bytes(told.to_bytes(), "forgetting") == told
    assert list(told.metrics()) == ["continual_average", "continual_forgetting", "continual_backward_transfer"]


@pytest.mark.parametrize(("tasks", "scores", "told"), [
    ([], [], "none"),
    (["a", "a"], [[1.0], [1.0, 1.0]], "each once"),
    (["a", "b"], [[1.0]], "got 1 rows"),
    (["a", "b"], [[1.0], [1.0]], "after b"),
    (["a", "b"], [[float("nan")], [1.0, 1.0]], "after a"),
], ids=["none", "twice", "rows", "short", "nan"])  # fmt: skip
def test_scores_that_are_missing_are_told(tasks, scores, told):
    with pytest.raises(WrongUsage, match=told):
        forgetting(tasks, scores)
