"""Three tasks in a row on real pictures: without care the first are forgotten, and with it they are not."""

import numpy as np
import pytest
import torch

from adapterhub.digest import Digest
from adapterhub.train.continual.ewc import Ewc, added, estimate
from adapterhub.train.continual.forgetting import forgetting
from adapterhub.train.continual.replay import Sample, keep, mix, read, write
from adapterhub.train.data.table import Table
from tests.train.continual.builders import accuracy, fit, loss, mlp, tasks

COLUMNS = {"image": "image", "label": "label"}
NAMES = ["upright", "second order", "third order"]


def table(rows, name):
    cells = [{"image": x.numpy(), "label": int(y)} for x, y in zip(*rows, strict=True)]
    places = [f"{name}, row {n}" for n in range(1, len(cells) + 1)]
    return Table(name, Digest.of(name.encode()), ("image", "label"), cells, places)


def rows_of(mixed):
    return torch.tensor(np.stack(mixed.column("image"))), torch.tensor(mixed.column("label"))


def in_a_row(train):
    """The figures of three tasks, each trained by `train(model, rows, number)`."""
    model, scores = mlp(), []
    for number, (rows, _) in enumerate(every := tasks()):
        train(model, rows, number)
        scores.append([accuracy(model, test) for _, test in every[: number + 1]])
    return forgetting(NAMES, scores)


@pytest.fixture(scope="module")
def sequential():
    return in_a_row(lambda model, rows, number: fit(model, rows))


def test_without_care_earlier_tasks_are_forgotten(sequential):
    assert sequential.forgetting > 0.2
    assert all(row[-1] > 0.9 for row in sequential.scores), "each was learned"


def test_replay_forgets_less_than_a_third_of_that(sequential, tmp_path):
    kept = Sample()

    def train(model, rows, number):
        nonlocal kept
        new = table(rows, NAMES[number])
        fit(model, rows_of(mix(new, kept, 0.5, COLUMNS, seed=1) if number else new))
        kept = read(write(keep(new, 120, COLUMNS, seed=1, earlier=kept)), tmp_path)

    told = in_a_row(train)
    assert told.forgetting < sequential.forgetting / 3
    assert told.scores[-1][-1] > 0.9


def test_consolidation_forgets_less_and_still_learns(sequential):
    fisher = {}

    def train(model, rows, number):
        nonlocal fisher
        fit(model, rows, [Ewc(model, fisher, 300.0)] if number else [])
        singles = ((rows[0][n : n + 1], rows[1][n : n + 1]) for n in range(200))
        fisher = added(fisher, estimate(model, loss, singles))

    told = in_a_row(train)
    assert told.forgetting < 0.5 * sequential.forgetting
    assert told.average > sequential.average
