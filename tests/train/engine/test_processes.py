"""Two processes of which one or both are killed, wherever they are, end in the bytes of two that were not."""

import multiprocessing
import random
import shutil
import signal
import socket
import time

import pytest

from adapterhub.errors import Unreachable
from adapterhub.train.engine import checkpoint
from tests.train.engine.killed_together import JOBS, train

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.train.engine.killed_together", "torch._dynamo", "safetensors.torch"])

KILLS = 5
LONGEST = 120


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def run(kind, folder, victims=(), seconds=0.0):
    """Two processes that train, of which some are killed after so long: the exit codes, and how long it took."""
    port, events = free_port(), [FORK.Event(), FORK.Event()]
    both = [FORK.Process(target=train, args=(kind, folder, rank, port, event)) for rank, event in enumerate(events)]
    for one in both:
        one.start()
    assert all(event.wait(LONGEST) for event in events)
    since = time.monotonic()
    if victims:
        both[victims[0]].join(seconds)
        for rank in victims:
            both[rank].kill()
    for one in both:
        one.join(LONGEST)
    codes = [one.exitcode for one in both]
    for one in both:
        one.kill()
    return codes, time.monotonic() - since


def bytes_of(folder):
    return [(folder / f"machine-{rank}" / "done.safetensors").read_bytes() for rank in (0, 1)]


def step_of(folder):
    kept = checkpoint.load(folder / "machine-0" / "state.safetensors")
    return kept.plain["progress"]["step"] if kept else 0


@pytest.mark.parametrize("kind", JOBS)
def test_killed_at_random_moments_two_end_in_the_same_bytes(tmp_path, kind):
    whole, took = run(kind, tmp_path / "whole")
    assert whole == [0, 0]
    first, second = bytes_of(tmp_path / "whole")
    assert first == second
    dice, cut, steps = random.Random(kind), tmp_path / "cut", []
    for number in range(KILLS):
        victims = ((0, 1), (1,), (0,))[number % 3]
        codes, _ = run(kind, cut, victims, dice.uniform(0.0, took / 2))
        if codes == [0, 0] and any(steps):
            break
        if codes == [0, 0]:  # the machine has become faster
            shutil.rmtree(cut)
            took /= 2
            continue
        left = {-signal.SIGKILL} if len(victims) == 2 else {-signal.SIGKILL, Unreachable.code}
        assert set(codes) == left or 0 in codes, "one that is left alone ends, and says why"
        steps.append(step_of(cut))
        took *= 1 if steps[-1] else 1.5
    assert run(kind, cut)[0] == [0, 0]
    assert any(steps), "they were never killed between two steps"
    assert steps == sorted(steps)
    assert bytes_of(cut) == [first, second]
    assert not (cut / "machine-1" / "state.safetensors").exists()
