"""Threads for requests: they do what is asked, and whoever waits for them can be interrupted."""

import os
import signal
import threading
import time

import pytest

from adapterhub.remotes.bucket_threads import Threads


def test_answers_come_in_order_and_from_so_many_threads_at_most() -> None:
    threads, names = Threads(3), set[str]()

    def work(number: int) -> int:
        names.add(threading.current_thread().name)
        time.sleep(0.001)
        return number * number

    assert threads.map(work, range(50)) == [number * number for number in range(50)]
    assert 1 <= len(names) <= 50
    assert threads.map(work, []) == []


def test_no_more_work_at_once_than_was_said_and_no_thread_stays() -> None:
    threads, now, most = Threads(3), [0], [0]
    before, lock = set(threading.enumerate()), threading.Lock()

    def work(_: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.005)
        with lock:
            now[0] -= 1

    threads.map(work, range(30))
    assert most[0] <= 3
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    assert set(threading.enumerate()) <= before


def test_an_error_comes_to_whoever_waits() -> None:
    with pytest.raises(ZeroDivisionError):
        Threads(2).ask(lambda: 1 // 0)
    assert Threads(2).ask(lambda: 1) == 1


def test_whoever_waits_can_be_interrupted() -> None:
    held = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)  # whoever waits is the main thread
        held.wait(60)

    try:
        with pytest.raises(KeyboardInterrupt):
            Threads(2).ask(work)
    finally:
        held.set()
