"""Ctrl-C while files are on their way: the end is near, and what came is kept."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapterhub.hub import Hub
from adapterhub.store.session import several
from tests.builders import POET, adapter_files, entry_of
from tests.remotes.servers import Handler, Server, serving, stall

PART = 1 << 20
TEXTS = {f"text{number}.txt": os.urandom(1 << 16).hex().encode() * 24 for number in range(6)}
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from adapterhub.cli.app import main
main()
"""
SECONDS = 5
"""More than a busy machine takes to end a process, and less than a server is waited for."""


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


@pytest.mark.parametrize("fault", [drip, stall(PART)], ids=["slow", "silent"])
def test_ctrl_c_ends_a_pull_of_many_files_and_keeps_what_came(served: Server, tmp_path: Path, fault) -> None:
    blobs = {hashlib.sha256(text).hexdigest() for text in TEXTS.values()}
    served.faults += [(blob, fault) for blob in blobs]
    words = [sys.executable, "-c", PROGRAM, "pull", "ada/poet", "--from", served.url]
    env = {**os.environ, "ADAPTERHUB_HOME": str(tmp_path / "mine")}
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while sent(served) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=SECONDS)
    assert (process.returncode, told) == (130, b"")
    assert len(blobs & {one.path.rpartition("/")[2] for one in served.served}) == 4, "no other one was begun"
    parts = list((tmp_path / "mine" / "incoming").glob("*.part"))
    assert [part.stat().st_size >= PART for part in parts] == [True] * 4
    served.faults.clear()
    whole = sum(map(len, TEXTS.values()))
    assert Hub.open(tmp_path / "mine").pull(["ada/poet"], served.url)[0].bytes_received < whole - 3 * PART


def test_of_several_steps_none_begins_after_one_has_failed() -> None:
    begun: list[int] = []

    def step(number: int) -> None:
        begun.append(number)
        time.sleep(0.1)
        raise ValueError(number)

    with pytest.raises(ValueError, match=r"^0$"):
        several(step, range(100), 1 << 30, lambda: begun.append(-1))
    assert -1 in begun
    assert len(begun) < 20
