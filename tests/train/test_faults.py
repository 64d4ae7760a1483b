"""What is wrong with several rows is one error."""

import threading

import pytest

from adapterhub.errors import Corrupt, WrongUsage
from adapterhub.train import faults
from adapterhub.train.faults import of_each


def halved(number):
    if number % 2:
        raise (Corrupt if number < 5 else WrongUsage)(f"line {number}: odd", hint="leave it out")
    return number // 2


@pytest.mark.parametrize("threads", [True, False])
def test_what_is_made_stands_in_order(monkeypatch, threads):
    monkeypatch.setattr(faults, "AT_ONCE", 3)
    assert of_each(halved, range(0, 20, 2), threads=threads) == list(range(10))
    assert of_each(halved, [], threads=threads) == []


def test_one_fault_is_told_as_it_is_and_several_as_one():
    with pytest.raises(Corrupt, match=r"^line 3: odd$"):
        of_each(halved, [2, 3])
    with pytest.raises(Corrupt, match=r"^2 of 3 rows: line 3: odd; line 5: odd$") as told:
        of_each(halved, [2, 3, 5])
    assert told.value.hint == "leave it out"


def test_what_is_no_error_of_ours_passes():
    with pytest.raises(ZeroDivisionError):
        of_each(lambda one: 1 // one, [1, 0])


def test_somebodys_code_runs_in_the_thread_it_was_called_from():
    assert set(of_each(lambda _: threading.current_thread(), range(9), threads=False)) == {threading.current_thread()}
