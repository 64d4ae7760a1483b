"""A run as it is shown while it runs."""

import io
import re
import sys

import pytest

from adapterhub.cli.live_run import Board, live_run
from adapterhub.train.watch.record import Stepped, Validated
from tests.train.watch.builders import begun, run, stepped

TELL = {"begun": Board.begin, "stepped": Board.step, "validated": Board.validated, "ended": Board.end}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(events):
    board = Board()
    for event in events:
        TELL[event.event](board, event)
    return board


def test_nobody_is_shown_anything_where_nobody_watches(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with live_run() as watcher:
        assert watcher is None
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal_a_run_is_shown_and_then_gone(monkeypatch, columns):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    with live_run() as watcher:
        for event in run(20):
            TELL[event.event](watcher, event)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sys.stderr.getvalue())
    assert "ada/poet" in plain
    assert "20/20" in plain
    assert "best at step 10" in plain
    assert max(len(line.rstrip()) for line in re.split(r"[\r\n]", plain)) <= columns
    assert sys.stderr.getvalue().rstrip().endswith("\x1b[2K")  # erased


def test_before_a_run_begins_nothing_is_shown():
    assert str(Board().__rich__()) == ""
    assert Board().left is None


def test_loss_rate_and_speed_are_those_of_the_last_steps():
    assert shown([begun(20), stepped(1, 20)]).lines == ["loss 2.455   lr 0.00095   128 examples/s"]


def test_the_last_validation_and_the_best_are_told():
    first = Validated(step=5, metrics={"loss": 1.0, "accuracy": 0.9}, best=True)
    second = Validated(step=10, metrics={"loss": float("nan"), "accuracy": 0.8})
    beginning = begun(20).model_copy(update={"metric": "accuracy"})
    assert shown([beginning, first, second]).lines == [
        "validation at step 10: accuracy 0.8, loss –",
        "best at step 5: accuracy 0.9",
    ]


def test_the_time_that_is_left_counts_steps_and_validations():
    board = shown([begun(20), *(stepped(step, 20) for step in range(1, 11))])
    assert board.left == pytest.approx(10 * 0.25)
    board.validated(Validated(step=10, metrics={}, seconds=5.0))
    assert board.left == pytest.approx(10 * (0.25 + 0.5))


def test_a_run_that_goes_on_counts_only_what_it_does_itself():
    board = shown([begun(20, step=15), stepped(16, 20)])
    board.validated(Validated(step=16, metrics={}, seconds=1.0))
    assert board.left == pytest.approx(4 * 1.25)


def test_a_loss_that_is_no_number_is_left_out():
    odd = Stepped(step=1, of=2, epoch=1, loss=float("nan"), lr=1e-3, examples=1, seconds=0)
    assert shown([begun(2), odd]).lines == ["lr 0.001"]


def test_what_a_terminal_would_obey_is_shown_as_text():
    assert "\\x1b" in shown([begun(2), Validated(step=1, metrics={"\x1b[2J": 1.0})]).lines[0]
