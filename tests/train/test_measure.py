"""Answers in the order of the examples, in batches of one fixed way, shared without a gap."""

import math

import pytest
import torch
from torch import nn

from adapterhub.errors import Refused
from adapterhub.train.engine.world import World
from adapterhub.train.measure import AT_ONCE, answers, by_row, measure
from adapterhub.train.resources.micro import OutOfMemory

CPU = torch.device("cpu")


class Doubling:
    """A task whose examples are numbers; its length is the number. It notes the batches it was given."""

    def __init__(self):
        self.batches = []

    def length(self, example):
        return int(example)

    def collate(self, examples):
        self.batches.append([int(one) for one in examples])
        return {"x": torch.tensor(examples)}

    def answers(self, model, batch):
        assert not torch.is_grad_enabled()
        return model(batch["x"][:, None])[:, 0].tolist()

    def measure(self, said, examples):
        return {"right": sum(a == 2 * b for a, b in zip(said, examples, strict=True)) / len(examples)}


@pytest.fixture
def model():
    made = nn.Linear(1, 1, bias=False)
    nn.init.constant_(made.weight, 2.0)
    return made.eval()


EXAMPLES = [float(n * 37 % 101) for n in range(101)]


def test_every_example_has_its_answer_in_its_place(model):
    assert answers(Doubling(), model, EXAMPLES, CPU) == [2 * one for one in EXAMPLES]
    found = measure(Doubling(), model, EXAMPLES, CPU)
    assert (found.metrics, found.count) == ({"right": 1.0}, 101)
    assert found.seconds >= 0


def test_batches_go_by_length_the_longest_first(model):
    task = Doubling()
    answers(task, model, EXAMPLES, CPU)
    assert [one for batch in task.batches for one in batch] == list(range(100, -1, -1))
    assert [len(batch) for batch in task.batches] == [AT_ONCE] * 3 + [5]


def test_processes_share_the_batches_and_each_has_every_answer(model, monkeypatch):
    whole, tasks, told = Doubling(), [Doubling() for _ in range(3)], []
    answers(whole, model, EXAMPLES, CPU)
    for rank, task in enumerate(tasks):
        monkeypatch.setattr(World, "each", lambda self, make: make())
        monkeypatch.setattr(World, "collect", lambda self, mine: told.append(mine) or [mine])
        with pytest.raises(KeyError):  # nobody has them all
            answers(task, model, EXAMPLES, CPU, World(rank, 3))
    assert sorted(batch for task in tasks for batch in task.batches) == sorted(whole.batches)
    assert [len(task.batches) for task in tasks] == [2, 1, 1]

    monkeypatch.setattr(World, "collect", lambda self, mine: told)
    for rank in range(3):
        assert answers(Doubling(), model, EXAMPLES, CPU, World(rank, 3)) == [2 * one for one in EXAMPLES]


def hungry(model, batch):
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def test_memory_that_runs_out_is_told_with_what_would_help(model):
    task = Doubling()
    task.answers = hungry
    with pytest.raises(Refused, match=r"memory: 32 rows do not fit, which are measured at once: .* 9 bytes") as refusal:
        measure(task, model, EXAMPLES, CPU)
    assert "data.max_length" in refusal.value.hint


def test_it_is_told_in_the_other_processes_too(model, monkeypatch):
    other = OutOfMemory("process 1 (there): memory: 32 rows do not fit", hint="a smaller data.max_length")
    monkeypatch.setattr(World, "collect", lambda self, mine: [mine, other])
    with pytest.raises(OutOfMemory, match="process 1"):
        answers(Doubling(), model, EXAMPLES, CPU, World(0, 2))


class Entities:
    """A task whose metric is no mean over rows: what was found of all that was wanted."""

    def measure(self, answers, examples):
        found, wanted = sum(answers), sum(examples)
        return {"recall": found / wanted} if wanted else {}


def test_the_metric_of_each_row_is_that_of_the_row_alone_and_none_where_it_has_none():
    told = by_row(Entities(), "recall", [1, 3, 0], [2, 3, 0])
    assert told[:2] == [0.5, 1.0]
    assert math.isnan(told[2])
