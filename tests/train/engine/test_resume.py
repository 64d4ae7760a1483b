"""A run that is killed wherever it may be ends in the same bytes as one that was not."""

import multiprocessing
import random
import shutil
import signal

import pytest

from adapterhub.train.engine import checkpoint
from tests import killing
from tests.train.engine.killed import train

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.train.engine.killed", "torch._dynamo", "safetensors.torch"])

KILLS = 7


def run(folder, precision, seconds=killing.LONGEST):
    """One process that trains, killed after so long if it is not done before: its exit code, and how long it took."""
    folder.mkdir(exist_ok=True)
    return killing.run(FORK, train, (folder, precision), seconds)


def step_of(folder):
    kept = checkpoint.load(folder / "state.safetensors")
    return kept.plain["progress"]["step"] if kept else 0


def kill_often(folder, precision, dice, longest):
    """Kill it at moments nobody chose, until it is done; at which steps it was. Where the machine has become faster or
    slower than it was, sooner or later."""
    steps = []
    for _ in range(KILLS):
        code, _ = run(folder, precision, dice.uniform(0.0, longest))
        if code == 0 and any(steps):
            break
        if code == 0:
            shutil.rmtree(folder)
            longest /= 2
            continue
        assert code == -signal.SIGKILL
        steps.append(step_of(folder))
        longest *= 1 if steps[-1] else 1.5
    assert run(folder, precision)[0] == 0
    return steps


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_killed_at_random_moments_it_ends_in_the_same_bytes(tmp_path, precision, record_property):
    code, took = run(tmp_path / "whole", precision)
    assert code == 0
    steps = kill_often(tmp_path / "cut", precision, random.Random(precision), took / 2.5)
    record_property("kills", len(steps))
    assert any(steps), "it was never killed between two steps"
    assert steps == sorted(steps)
    assert_same_end(tmp_path)


def assert_same_end(folder):
    from safetensors import safe_open

    ends = []
    for name in ("whole", "cut"):
        with safe_open(folder / name / "done.safetensors", "pt") as file:
            tensors = {key: file.get_tensor(key).numpy().tobytes() for key in file.keys()}  # noqa: SIM118
            ends.append((file.metadata(), tensors))
    assert ends[0] == ends[1]
    kept = [checkpoint.load(folder / name / "state.safetensors") for name in ("whole", "cut")]
    assert {n: t.numpy().tobytes() for n, t in kept[0].tensors.items() if "best" not in n} == {
        n: t.numpy().tobytes() for n, t in kept[1].tensors.items() if "best" not in n
    }
    assert any(name.startswith("best/") for name in kept[1].tensors)
