"""The learning rate of every step, by its formula."""

from math import cos, pi

import pytest
import torch

from adapterhub.train.config import OptimConfig
from adapterhub.train.engine.schedule import SCHEDULES, factor, warmup_steps


def rates(schedule, warmup, steps):
    asked = OptimConfig(schedule=schedule, warmup=warmup)
    return [factor(asked, step, steps) for step in range(steps)]


@pytest.mark.parametrize(("schedule", "wanted"), [
    ("cosine", [(1 + cos(pi * n / 8)) / 2 for n in range(8)]),
    ("linear", [1 - n / 8 for n in range(8)]),
    ("constant", [1.0] * 8),
    ("plateau", [1.0] * 8),
])  # fmt: skip
def test_the_rate_rises_evenly_and_then_runs_as_its_formula_says(schedule, wanted):
    assert rates(schedule, 2, 10) == pytest.approx([0.5, 1.0, *wanted])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 0.06, 0.999, 1, 5, 100])
@pytest.mark.parametrize("steps", [1, 2, 17])
def test_no_step_stands_still_and_none_is_above_the_height(schedule, warmup, steps):
    assert all(0 < rate <= 1 for rate in rates(schedule, warmup, steps))


def test_a_warm_up_below_one_is_a_share_and_else_a_number_of_steps():
    assert [warmup_steps(OptimConfig(warmup=asked), 100) for asked in (0, 0.06, 0.5, 1, 30)] == [0, 6, 50, 1, 30]


def test_linear_is_what_torch_calls_linear():
    judge = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    run = torch.optim.lr_scheduler.LinearLR(judge, start_factor=1.0, end_factor=0.0, total_iters=12)
    for rate in rates("linear", 0, 12):
        assert rate == pytest.approx(run.get_last_lr()[0])
        judge.step()
        run.step()


def test_cosine_is_what_torch_calls_cosine():
    judge = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    run = torch.optim.lr_scheduler.CosineAnnealingLR(judge, T_max=12)
    for rate in rates("cosine", 0, 12):
        assert rate == pytest.approx(run.get_last_lr()[0])
        judge.step()
        run.step()
