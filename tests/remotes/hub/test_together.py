"""Several who push at once, and several who pull: nothing is lost, nobody overwrites anybody."""

import json
import os
import subprocess
import sys
from pathlib import Path

from adapterhub.hub import Hub
from tests.builders import tiny_adapter
from tests.house.sources import ROOT
from tests.server.running import Running

PUSHERS = 3


def push(home: Path, server: Running) -> "subprocess.Popen[str]":
    env = {**os.environ, "ADAPTERHUB_HOME": str(home), "ADAPTERHUB_TOKEN": server.token, "HF_HUB_OFFLINE": "0"}
    words = [sys.executable, "-m", "adapterhub", "push", "ada/poet", "--next", "--to", f"hub+{server.url}", "--json"]
    return subprocess.Popen(words, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_each_of_several_who_push_at_once_gets_a_version_of_its_own(server: Running, tmp_path: Path) -> None:
    wanted = {}
    for seed in range(PUSHERS):
        hub = Hub.open(tmp_path / f"store{seed}")
        wanted[hub.add(tiny_adapter(tmp_path / f"run{seed}", seed=seed), "ada/poet").digest] = hub.store
    running = [push(store, server) for store in wanted.values()]
    answers = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert [code for _, code in answers] == [0] * PUSHERS, answers
    told = [json.loads(out)[0] for (out, _), _ in answers]
    assert sorted(one["reference"] for one in told) == [f"ada/poet@{n + 1}" for n in range(PUSHERS)]
    other = Hub.open(tmp_path / "other")
    for one in told:
        (pulled,) = other.pull([one["reference"]], f"hub+{server.url}")
        assert pulled.digest == one["digest"]
    assert {one["digest"] for one in told} == set(wanted)
    assert server.hub.check().ok
