"""Ctrl-C or a fault while files are on their way: the end is near, and what came is kept."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapterhub.errors import NotFound
from adapterhub.hub import Hub
from adapterhub.store.session import several
from tests.builders import POET, adapter_files, entry_of
from tests.remotes.servers import Handler, Server, serving, stall, status

PART = 1 << 20
TEXTS = {f"text{number}.txt": os.urandom(1 << 16).hex().encode() * 24 for number in range(6)}
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from adapterhub.cli.app import main
main()
"""
SECONDS = 15
"""More than a busy machine takes to end a process, and half of what a silent server is waited for."""


def drip(handler: Handler, data: bytes, start: int) -> bool:
    """Sends a part at once, and the rest so slowly that nobody waits for it."""
    handler.answer(200, data[:PART], length=len(data))
    for at in range(PART, len(data)):
        time.sleep(0.05)
        before = handler.served.sent
        handler.send(data[at : at + 1])
        if handler.served.sent == before:
            break
    handler.close_connection = True
    return True


@pytest.fixture
def served(tmp_path: Path):
    there = Hub.open(tmp_path / "site")
    there.desk.store.publish(entry_of({**adapter_files(), **TEXTS}), POET)
    there.catalog()
    with serving(there.store) as server:
        yield server


def sent(server: Server) -> int:
    return sum(one.sent > PART // 2 for one in server.served)


def until_sent(server: Server, count: int) -> None:
    deadline = time.monotonic() + 30
    while sent(server) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def pulling(served: Server, store: Path) -> "Iterator[subprocess.Popen[bytes]]":
    words = [sys.executable, "-c", PROGRAM, "pull", "ada/poet", "--from", served.url]
    env = {**os.environ, "ADAPTERHUB_HOME": str(store)}
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("fault", [drip, stall(PART)], ids=["slow", "silent"])
def test_ctrl_c_ends_a_pull_of_many_files_and_keeps_what_came(served: Server, tmp_path: Path, fault) -> None:
    blobs = {hashlib.sha256(text).hexdigest() for text in TEXTS.values()}
    served.faults += [(blob, fault) for blob in blobs]
    with pulling(served, tmp_path / "mine") as process:
        until_sent(served, 4)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=SECONDS)
    assert (process.returncode, told) == (130, b"stopped; the same command goes on from there\n")
    assert len(blobs & {one.path.rpartition("/")[2] for one in served.served}) == 4, "no other one was begun"
    parts = list((tmp_path / "mine" / "incoming").glob("*.part"))
    assert [part.stat().st_size >= PART for part in parts] == [True] * 4
    served.faults.clear()
    whole = sum(map(len, TEXTS.values()))
    assert Hub.open(tmp_path / "mine").pull(["ada/poet"], served.url)[0].bytes_received < whole - 3 * PART


def test_a_file_that_is_missing_ends_a_pull_though_files_before_it_are_silent(served: Server, tmp_path: Path) -> None:
    blobs = {name: hashlib.sha256(text).hexdigest() for name, text in TEXTS.items()}
    missing = blobs.pop("text2.txt")

    def gone(handler: Handler, data: bytes, start: int) -> bool:
        until_sent(served, 2)
        return status(404)(handler, data, start)

    served.faults += [(missing, gone), *((blob, stall(PART)) for blob in blobs.values())]
    with pulling(served, tmp_path / "mine") as process:
        until_sent(served, 2)
        _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == NotFound.code
    assert told.decode().startswith("error: ")
    assert missing in told.decode()


def test_of_several_steps_none_begins_after_one_has_failed() -> None:
    begun: list[int] = []

    def step(number: int) -> None:
        begun.append(number)
        time.sleep(0.1)
        raise ValueError

    with pytest.raises(ValueError):
        several(step, range(100), 1 << 30, lambda: begun.append(-1))
    assert -1 in begun
    assert len(begun) < 20


def test_the_first_to_fail_ends_several_steps_though_one_before_it_runs() -> None:
    begun: list[int] = []
    heard: list[bool] = []
    halted = threading.Event()

    def step(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError(number)
        heard.append(halted.wait(SECONDS))

    with pytest.raises(ValueError, match=r"^1$"):
        several(step, range(20), 1 << 30, halted.set)
    assert heard
    assert all(heard)
    assert len(begun) < 8
