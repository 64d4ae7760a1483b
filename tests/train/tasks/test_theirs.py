"""A task of one's own: whose fault it is is told, and what its members give is looked at where they give it."""

import copy
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from adapterhub.errors import Refused, WrongUsage
from adapterhub.train.measure import answers
from adapterhub.train.tasks.table import prepare
from adapterhub.train.tasks.theirs import Theirs
from tests.train.tasks.builders import asked, table

ROWS = table({"text": ["a", "b"]})
MEMBERS = {
    "open": ("folder",),
    "heads": ("model",),
    "examples": (ROWS,),
    "length": ("example",),
    "collate": (["example"],),
    "loss": (nn.Linear(1, 1), "batch"),
    "answers": (nn.Linear(1, 1), "batch"),
    "measure": ([1], [1]),
}


class Gives:
    """A task with one member, which gives or raises something."""

    peft_type, learned, metric = None, {"labels": ("a",)}, "loss"
    limits = (0.0, 1.0)

    def __init__(self, member, what):
        def given(*_):
            if isinstance(what, BaseException):
                raise what
            return what

        setattr(self, member, given)


def ask(member, what, *given):
    """What a member gives through the wrapper."""
    return getattr(Theirs("mytask:make", Gives(member, what)), member)(*(given or MEMBERS[member]))


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit(0), ImportError("no such thing")], ids=repr)
def test_what_a_member_raises_is_told_as_theirs(member, error):
    with pytest.raises(WrongUsage) as refusal:
        ask(member, error)
    assert str(refusal.value) == f"mytask:make: {member}: {type(error).__name__}: {error}"
    assert "--debug" in refusal.value.hint
    assert refusal.value.__cause__ is error
    assert refusal.value.elsewhere is False


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize(
    "error", [Refused("no"), MemoryError(), RuntimeError("CUDA: out of memory"), KeyboardInterrupt()], ids=repr
)
def test_what_the_loop_knows_itself_passes(member, error):
    with pytest.raises(type(error)) as passed:
        ask(member, error)
    assert passed.value is error


WRITTEN = """
import json


class Mine:
    peft_type, learned, metric = None, {}, "loss"
    open = heads = length = loss = answers = measure = None

    def __init__(self, *given):
        pass

    def examples(self, table):
        return self._read("{")

    def _read(self, text):
        return json.loads(text)

    def collate(self, examples):
        return table.pad(examples)


def leave(config, base, train):
    raise SystemExit(0)


class Learned(Mine):
    learned = None


class Metric(Mine):
    @property
    def metric(self):
        return 1 / 0
"""


@pytest.fixture
def written(tmp_path):
    def made(function="Mine"):
        (tmp_path / "my_written_task.py").write_text(WRITTEN)
        return prepare(asked(f"my_written_task:{function}"), tmp_path, ROWS, folder=tmp_path)

    return made


def test_the_last_line_of_their_own_is_told_also_where_a_library_raised(written):
    line = WRITTEN.splitlines().index("        return json.loads(text)") + 1
    with pytest.raises(WrongUsage, match=f"JSONDecodeError: .*, in my_written_task.py line {line}$"):
        written().examples(ROWS)
    with pytest.raises(WrongUsage, match=r"collate: NameError: .*, in my_written_task.py line"):
        written().collate([1])
    with pytest.raises(WrongUsage, match=r"length: TypeError: 'NoneType' object is not callable$"):
        written().length(1)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("leave", "my_written_task:leave: SystemExit: 0, in my_written_task.py line"),
        ("Learned", "my_written_task:Learned: learned is None, wanted a mapping"),
        ("Metric", "my_written_task:Metric: ZeroDivisionError: .*, in my_written_task.py line"),
    ],
)
def test_what_is_wrong_with_the_making_is_told_and_ends_nothing_quietly(written, function, told):
    with pytest.raises(WrongUsage, match=told):
        written(function)


def test_a_module_that_leaves_is_told(tmp_path):
    (tmp_path / "my_leaving_task.py").write_text("import sys\n\nsys.exit(0)\n")
    with pytest.raises(WrongUsage, match=r"my_leaving_task:make: SystemExit: 0, in my_leaving_task.py line 3"):
        prepare(asked("my_leaving_task:make"), tmp_path, ROWS, folder=tmp_path)


def test_what_else_a_task_has_is_there_also_in_a_copy():
    task = Theirs("mytask:make", Gives("length", 1))
    for one in (task, copy.copy(task)):
        assert (one.limits, one.peft_type, one.metric, one.learned) == ((0.0, 1.0), None, "loss", {"labels": ("a",)})
    assert getattr(task, "nothing", "absent") == "absent"


HANGING = torch.ones((), requires_grad=True) * 2

WRONG = [
    ("open", None, "open gave NoneType 'None', wanted a torch.nn.Module"),
    ("heads", "classifier", "heads gave str 'classifier', wanted a tuple"),
    ("heads", None, "heads gave NoneType"),
    ("heads", [nn.Linear(1, 1)], "heads gave list"),
    ("examples", None, "examples gave NoneType"),
    ("examples", iter([1]), "examples gave list_iterator .* wanted a list"),
    ("examples", np.ones((3, 2)), r"examples gave ndarray \(3, 2\), wanted a list"),
    ("length", None, "length gave NoneType 'None', wanted a number"),
    ("length", "12", "length gave str '12'"),
    ("loss", None, r"loss gave NoneType 'None', wanted \(sum, count\)"),
    ("loss", HANGING, r"loss gave Tensor \(\), wanted \(sum, count\)"),
    ("loss", torch.ones(2), r"loss gave Tensor \(2,\), wanted \(sum, count\)"),
    ("loss", (HANGING, 1, 1), r"wanted \(sum, count\)"),
    ("loss", (HANGING.expand(8), 8), r"loss gave a sum of shape \(8,\), wanted a scalar"),
    ("loss", (HANGING.reshape(1), 8), r"loss gave a sum of shape \(1,\), wanted a scalar"),
    ("loss", (2.5, 8), "loss gave float '2.5' as its sum, wanted a tensor"),
    ("loss", (torch.tensor(3), 8), r"loss gave Tensor \(\) as its sum, wanted a tensor of a floating-point number"),
    ("loss", (HANGING.detach(), 8), "loss gave a sum that does not hang on what is trained"),
    ("loss", (HANGING, torch.ones(8)), r"loss gave Tensor \(8,\) as its count, wanted a number"),
    ("loss", (HANGING, None), "loss gave NoneType 'None' as its count"),
    ("answers", None, "answers gave NoneType 'None', wanted a list with an answer for each example"),
    ("answers", iter([1]), "answers gave list_iterator"),
    ("answers", torch.tensor(1.0), r"answers gave Tensor \(\), wanted a list"),
    ("measure", None, "measure gave NoneType 'None', wanted a number for each name"),
    ("measure", 0.5, "measure gave float '0.5', wanted a number for each name"),
    ("measure", {"accuracy": "good"}, "measure gave str 'good' as accuracy, wanted a number"),
    ("measure", {"accuracy": None}, "measure gave NoneType 'None' as accuracy"),
    ("measure", {"accuracy": torch.ones(2)}, r"measure gave Tensor \(2,\) as accuracy"),
    ("measure", {"a b\n|c": 0.5}, r"measure: a metric's name is printable text of 1 to 96 characters, got 'a b\\n|c'"),
    ("measure", {3: 0.5}, "measure: a metric's name is printable text"),
]


@pytest.mark.parametrize(("member", "gave", "told"), WRONG)
def test_what_a_member_may_not_give_is_told_with_what_is_wanted(member, gave, told):
    with pytest.raises(WrongUsage, match=told) as refusal:
        ask(member, gave)
    assert str(refusal.value).startswith("mytask:make: ")
    assert refusal.value.hint


@pytest.mark.parametrize("count", [8, 8.0, np.int64(8), np.float32(8), torch.tensor(8), torch.tensor(8.0)], ids=repr)
def test_a_count_may_be_any_number(count):
    total, told = ask("loss", (HANGING, count))
    assert total is HANGING
    assert (told.shape, float(told)) == ((), 8.0)


def test_a_sum_need_not_hang_on_anything_where_nothing_is_trained():
    with torch.no_grad():
        assert float(ask("loss", (HANGING.detach(), 1))[0]) == 2.0
    assert float(ask("loss", (HANGING.detach(), 1), nn.Linear(1, 1).eval(), "batch")[0]) == 2.0


@pytest.mark.parametrize(
    "value", [0.5, np.float32(0.5), np.array(0.5), torch.tensor(0.5), torch.tensor([0.5]), Fraction(1, 2)], ids=repr
)
def test_a_metric_may_be_any_number_and_is_a_float_from_then_on(value):
    found = ask("measure", {"accuracy": value, "nan": math.nan, "whole": True})
    assert found["accuracy"] == 0.5
    assert {type(one) for one in found.values()} == {float}
    assert math.isnan(found["nan"])


class Lazy:
    """Examples that are read when they are asked for."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return index


@pytest.mark.parametrize(("member", "gave"), [("examples", Lazy()), ("examples", [1]), ("length", np.int64(3))])
def test_what_does_is_passed_on_as_it_is(member, gave):
    assert ask(member, gave) is gave


def test_heads_may_be_a_list():
    assert ask("heads", ["a", "b.c"]) == ("a", "b.c")


def test_too_few_answers_are_told():
    task = Gives("answers", [1.0])
    task.collate, task.length = lambda examples: examples, lambda example: 1
    with pytest.raises(WrongUsage, match="the task's answers are 1 for a batch of 3 examples") as refusal:
        answers(Theirs("mytask:make", task), nn.Linear(1, 1), [1, 2, 3], torch.device("cpu"))
    assert "one for each example" in refusal.value.hint


def test_what_a_member_prints_is_not_the_answer_of_the_command(capsys):
    task = Gives("heads", ())
    task.heads = lambda _: print("mine") or ("classifier",)
    assert Theirs("mytask:make", task).heads(None) == ("classifier",)
    assert capsys.readouterr() == ("", "mine\n")


def test_gradients_that_are_switched_off_in_open_are_on_again():
    task = Gives("open", None)
    task.open = lambda _: (torch.set_grad_enabled(False) and None) or nn.Linear(1, 1)
    Theirs("mytask:make", task).open("folder")
    assert torch.is_grad_enabled()
