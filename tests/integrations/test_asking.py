"""Questions to what may hang: how long one waits, and what is remembered."""

import threading
import time
from typing import Never

import pytest

from adapterhub.errors import NotFound, Unreachable
from adapterhub.integrations import asking
from adapterhub.integrations.asking import Asking


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.2)


def test_what_hangs_is_not_asked_for_a_while_and_then_again(short, monkeypatch):
    door, end, clock = Asking(), threading.Event(), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with pytest.raises(Unreachable, match=r"^no answer in 0\.2 seconds$"):
        door.ask(end.wait)
    with pytest.raises(Unreachable, match=r"^no answer in 0\.2 seconds; it is asked again in 30 seconds$"):
        door.ask(lambda: 1)
    clock[0] += asking.AWAY
    monkeypatch.setattr(asking, "PATIENCE", 60)
    assert door.ask(lambda: 1) == 1
    end.set()


def test_what_says_that_it_cannot_be_reached_is_not_asked_for_a_while_either():
    door = Asking()

    def gone() -> Never:
        raise Unreachable("connection refused")

    for told in ("^connection refused$", "^connection refused; it is asked again"):
        with pytest.raises(Unreachable, match=told):
            door.ask(gone)


def test_an_answer_that_there_is_no_such_thing_is_an_answer():
    door = Asking()

    def nothing() -> Never:
        raise NotFound("no such adapter")

    for _ in range(2):
        with pytest.raises(NotFound, match="no such adapter"):
            door.ask(nothing)
    assert door.ask(lambda: 1) == 1


def test_as_many_questions_that_hang_as_there_are_threads_keep_nobody_for_ever(short, monkeypatch):
    door, end = Asking(), threading.Event()
    monkeypatch.setattr(asking, "AWAY", 0)
    for _ in range(asking.QUESTIONS + 1):  # the last one gets no thread, and must never be asked
        with pytest.raises(Unreachable):
            door.ask(end.wait)
    end.set()
    monkeypatch.setattr(asking, "PATIENCE", 60)
    assert door.ask(lambda: 1) == 1
