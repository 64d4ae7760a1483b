"""Killed wherever it may be, between any two instructions up to its name in the store, a run ends as if it had not."""

import multiprocessing
import random
import shutil
import signal
from pathlib import Path

import pytest

from adapterhub.hub import Hub
from tests import killing
from tests.verbs.killed import train
from tests.verbs.training import Workshop

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.verbs.killed", "adapterhub.verbs.train", "peft", "matplotlib.pyplot"])

KILLS = 12


def run(folder, seconds=killing.LONGEST):
    """One process that trains, killed after so long if it is not done before: its exit code, and how long it took."""
    return killing.run(FORK, train, (folder,), seconds)


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_as_the_same_entry_once(tmp_path, record_property):
    whole = Workshop.of(tmp_path / "whole", optim={"epochs": 8})
    code, took = run(whole.folder)
    assert code == 0
    cut = Workshop(tmp_path / "cut", Hub.open(tmp_path / "cut" / "store"))
    shutil.copytree(whole.folder, cut.folder, ignore=shutil.ignore_patterns("store"))
    dice, kills = random.Random(7), 0
    for _ in range(KILLS):
        code, _ = run(cut.folder, dice.uniform(0.1, 0.7) * took)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        kills += 1
    assert code == 0 or run(cut.folder)[0] == 0
    record_property("kills", kills)
    assert kills, "it was never killed"
    assert cut.names == whole.names == ["ada/topic@1"]
    first, second = (place.hub.show("ada/topic") for place in (whole, cut))
    assert second.digest == first.digest
    assert second.metrics == first.metrics
    assert not list(cut.hub.desk.store.layout.runs.glob("*/state.safetensors"))
    assert cut.hub.check().ok


def test_killed_with_the_entry_named_and_its_state_still_there_it_ends_what_was_left(tmp_path):
    place = Workshop.of(tmp_path, optim={"epochs": None, "steps": 2})
    trained = place.train()
    state, curves = Path(trained.run) / "state.safetensors", Path(trained.run) / "curves.png"
    state.write_bytes(b"weights and moments after the last step")
    curves.unlink()
    again = place.train()
    assert (again.again, again.digest, again.findings) == (True, trained.digest, ())
    assert (state.exists(), curves.exists()) == (False, True)
