import sys
from importlib import import_module

import pytest

from adapterhub.errors import Refused, WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.watch.plugs.table import PLUGS, Guarded, check, plugs
from adapterhub.train.watch.record import Ended
from tests.train.watch.builders import begun, stepped


class Flaky:
    """A program whose server goes away at its second step."""

    def __init__(self):
        self.heard = []

    def begin(self, event):
        self.heard.append(event)

    def step(self, event):
        self.heard.append(event)
        if event.step == 2:
            raise ConnectionError("the server went away\nand left a long text")

    validated = end = begin


def test_the_config_the_table_and_the_files_name_the_same_programs():
    word = TrainConfig.model_fields["report"].annotation.__args__[0]
    assert sorted(word.__args__) == sorted(PLUGS)
    assert all(import_module(f"adapterhub.train.watch.plugs.{name}").Plug for name in PLUGS)


@pytest.mark.parametrize("name", PLUGS)
def test_a_program_that_is_missing_is_refused_before_anything_is_written(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, PLUGS[name][1], None)
    with pytest.raises(Refused, match=f"report: {name} cannot be imported") as refusal:
        plugs([name], tmp_path, {})
    assert f"pip install {PLUGS[name][0]}" in refusal.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_program_nobody_knows_is_named():
    with pytest.raises(WrongUsage, match="no such program: tensorbord") as refusal:
        check(["tensorbord"])
    assert "tensorboard, mlflow, wandb" in refusal.value.hint


def test_nobody_is_told_where_nobody_was_named(tmp_path):
    assert plugs((), tmp_path, {}) == ()


def test_a_program_that_does_not_take_the_run_is_refused():
    flaky = Flaky()
    flaky.begin = flaky.step
    with pytest.raises(Refused, match=r"flaky does not take the run: ConnectionError: the server went away$"):
        Guarded("flaky", flaky).begin(begun(5, step=2))


def test_a_program_that_fails_later_is_switched_off_and_the_run_goes_on():
    flaky = Flaky()
    guarded = Guarded("flaky", flaky)
    guarded.begin(begun(3))
    for step in (1, 2, 3):
        guarded.step(stepped(step, 3))
    guarded.end(Ended(step=3))
    assert [event.step for event in flaky.heard] == [0, 1, 2]
    (found,) = guarded.findings
    assert (found.severity, found.place) == ("warning", "flaky")
    assert found.message == "from step 2 on nothing was told: ConnectionError: the server went away"


def test_of_a_program_that_worked_nothing_is_said():
    guarded = Guarded("flaky", Flaky())
    guarded.begin(begun(3))
    guarded.step(stepped(1, 3))
    assert guarded.findings == ()


def test_somebody_who_stops_the_run_is_heard_also_inside_a_program():
    def stop(event):
        raise KeyboardInterrupt

    flaky = Flaky()
    flaky.step = stop
    with pytest.raises(KeyboardInterrupt):
        Guarded("flaky", flaky).step(stepped(1, 3))
