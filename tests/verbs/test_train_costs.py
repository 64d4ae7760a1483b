"""What a run is said to have cost is its own: not that of the run before, nor of what the process did earlier."""

import json
import os
import subprocess
import sys

import pytest
import torch

from adapterhub.train.resources.memory import process_peak
from adapterhub.train.watch.log import read
from adapterhub.train.watch.record import Ended
from tests.verbs.training import Workshop

HELD = 400 * 10**6


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Workshop.of(tmp_path_factory.mktemp("here"), optim={"steps": 4, "epochs": None})


@pytest.fixture
def before():
    """The peak of a process that held much a moment ago."""
    held = torch.ones(HELD // 4)
    del held
    return process_peak()


def test_an_earlier_peak_is_not_that_of_a_training(place, before):
    trained = place.train()
    (ended,) = (event for event in read(place.folder.joinpath(trained.run, "log.jsonl")) if isinstance(event, Ended))
    for peak in (ended.peak_memory, trained.cost["peak_memory"]):
        assert 10**8 < peak < before - HELD / 2


def test_an_earlier_peak_is_not_that_of_a_measurement(place, before):
    if "ada/topic@1" not in place.names:
        place.train()
    assert place.hub.evaluate("ada/topic", place.folder / "test.csv").peak_memory < before - HELD / 2


def test_an_earlier_peak_is_not_that_of_a_plan(place, before):
    plan = place.hub.train_plan(place.config, name="ada/planned")
    assert 10**8 < plan.memory.peak < before - HELD / 2


def test_each_run_of_a_search_has_a_peak_of_its_own(place, before):
    found = place.hub.train_search(place.config, search={"lr": (1e-3, 1e-2)})
    assert all(10**8 < rung.peak_memory < before - HELD / 2 for rung in found.rungs)
    assert place.hub.train_search(place.config, search={"lr": (1e-3, 1e-2)}).rungs == found.rungs


def test_a_plan_under_torchrun_is_told_once_and_is_for_all_processes(place):
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    asked = ("--set", "optim.micro_batch=null", "--set", "name=ada/planned")
    told = subprocess.run(
        [*torchrun, "-m", "adapterhub", "--store", str(place.folder / "store"), "--json", "train", str(place.config),
         "--plan", *asked],
        capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-3000:]
    plan = json.loads(told.stdout)
    assert (plan["processes"], plan["batch"], plan["micro_batch"]) == (2, 16, 8)


def test_a_program_that_failed_midway_is_told_with_the_entry(place, monkeypatch):
    from adapterhub.train.watch.plugs.tensorboard import Plug

    def lost(self, event):
        raise OSError("no space left")

    monkeypatch.setattr(Plug, "validated", lost)
    trained = place.train(name="ada/watched", report=("tensorboard",))
    (found,) = (finding for finding in trained.findings if finding.check == "report")
    assert (found.severity, found.place) == ("warning", "tensorboard")
    assert "from step 4 on nothing was told: OSError: no space left" in found.message
