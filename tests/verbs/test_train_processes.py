"""Several processes, on one machine or on two, train one adapter, publish it once, and fail together."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from adapterhub.errors import NotFound
from tests.train.tasks.builders import save_bert
from tests.verbs.training import Workshop, rows, write_rows

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
LONGEST = 300


def start(*words):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*TORCHRUN, *map(str, words)], stdout=pipe, stderr=pipe, text=True, env=env, start_new_session=True
    )


def launch(*words):
    started = start(*words)
    out, err = started.communicate(timeout=LONGEST)
    return started.returncode, out, err


def command(place, *words):
    return ("-m", "adapterhub", "--store", place.folder / "store", *words, "train", place.config)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The first machine, and what the processes found, case by case: {case: [the first's, the second's]}."""
    folder = tmp_path_factory.mktemp("machines")
    place = Workshop.of(folder / "host-0")
    save_bert(place.folder / "other", num_hidden_layers=1)
    write_rows(place.folder / "other.csv", rows(64, 9))
    shutil.copytree(place.folder, folder / "host-1")
    code, _, err = launch("-m", "tests.verbs.processes", folder)
    assert code == 0, err[-4000:]
    first, second = (json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1))
    return place, {case: [first[case], second[case]] for case in first}


def weights_of(place, reference):
    return load_file(place.hub.path(reference) / "adapter_model.safetensors")


def test_two_machines_come_to_what_one_process_comes_to(told):
    place, found = told
    first, _ = found["two_machines"]
    alone = place.train(name="ada/alone", restart=True)
    assert (alone.manifest.training["run"]["processes"], first["manifest"]["training"]["run"]["processes"]) == (1, 2)
    ours, theirs = weights_of(place, alone.reference), weights_of(place, first["reference"])
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert abs(values - theirs[name]).max() <= 1e-3 * abs(values).max(), name
    assert first["validation"] == pytest.approx(alone.validation, rel=1e-3)
    assert first["best_step"] == alone.best_step


def test_only_the_first_machine_publishes_and_answers(told):
    _, found = told
    assert found["two_machines"][0]["reference"] == "ada/topic@1"
    assert found["two_machines"][1] == {}
    assert found["names"][1] == []
    assert "ada/topic@1" in found["names"][0]


def test_asked_again_all_hear_that_it_is_done(told):
    _, found = told
    assert found["again"][0]["again"]
    assert found["again"][0]["digest"] == found["two_machines"][0]["digest"]
    assert found["again"][1] == {}


@pytest.mark.parametrize(
    ("case", "kind", "said"),
    [
        ("other_rows", "Conflict", "train data: process 1 ("),
        ("other_base", "Conflict", "base: process 1 ("),
        ("other_rate", "Conflict", "config.optim.lr: process 1 ("),
        ("no_rows", "NotFound", "nowhere.csv: no such file"),
        ("no_label", "WrongUsage", "train.csv has no column 'lable'"),
    ],
)
def test_what_is_wrong_with_one_is_an_error_of_all_that_one_tells(told, case, kind, said):
    _, found = told
    for process in found[case]:
        assert process["error"] == kind
        assert said in process["told"]
    assert [process["elsewhere"] for process in found[case]] == [False, True]
    assert not {name for name in found["names"][0] if name.startswith(("ada/rows", "ada/base", "ada/rate"))}


def test_a_fault_of_another_process_is_told_with_its_name(told):
    _, found = told
    assert found["no_rows"][0]["told"].startswith("process 1 (")


def test_asked_to_stop_both_stop_and_go_on_from_what_the_first_has_kept(told):
    _, found = told
    first, second = found["stopped"]
    assert first["told"] == second["told"] == "stopped after step 7"
    assert (first["states"], second["states"]) == (1, 0)
    assert first["steps"] == list(range(8, 17))
    assert first["going"]["digest"] == first["whole"]["digest"]


def test_both_stop_early_at_the_same_validation(told):
    _, found = told
    first, second = found["early"]
    assert first["steps"] == first["best_step"] + 8 < 80
    assert second == {}


def test_workers_that_train_apart_lose_nothing_where_a_is_frozen_and_tell_what_they_lose(told):
    _, found = told
    frozen, trained = (found["apart"][0][method] for method in ("frozen-a", "lora"))
    assert frozen["sync_gap"] == 0.0
    assert 1e-6 < trained["sync_gap"] < 1, "the largest of all meetings, not that after the short last leg"
    assert found["two_machines"][0]["sync_gap"] is None
    for one in (frozen, trained):
        assert one["best_step"] in (5, 10, 15, 16), "it was measured where they had met"
        assert one["validation"]["accuracy"] > 0.7


def test_the_command_is_run_by_every_process_and_published_once(tmp_path):
    place = Workshop.of(tmp_path / "here")
    code, out, err = launch(*command(place, "--json"))
    assert code == 0, err[-4000:]
    assert json.loads(out)["reference"] == "ada/topic@1"
    assert place.names == ["ada/topic@1"]
    place.write(base="./nowhere")
    code, out, err = launch(*command(place))
    assert code != 0
    assert out == ""
    assert err.count("error: base: ./nowhere: no such folder") == 1
    told = err.partition("Root Cause")[2]
    assert f"exitcode  : {NotFound.code} " in told
    assert "base: ./nowhere: no such folder" in told


def test_killed_at_once_all_go_on_to_the_same_bytes(told, tmp_path):
    whole = told[1]["two_machines"][0]["digest"]
    place = Workshop.of(tmp_path / "here")
    shutil.rmtree(place.folder / "tiny")
    shutil.copytree(told[0].folder / "tiny", place.folder / "tiny")
    words = (*command(place), "--checkpoint-every", 3)
    cut = start(*words)
    until = time.monotonic() + LONGEST
    while not list(place.folder.glob("store/runs/*/state.safetensors")):
        assert cut.poll() is None, cut.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    workers = Path(f"/proc/{cut.pid}/task/{cut.pid}/children").read_text().split()
    assert len(workers) == 2
    for process in (cut.pid, *workers):
        os.kill(int(process), signal.SIGKILL)
    cut.communicate()
    assert place.names == []
    code, _, err = launch(*words)
    assert code == 0, err[-4000:]
    log = next(place.folder.glob("store/runs/*/log.jsonl")).read_text()
    assert log.count('"begun"') == 2, "it went on"
    (listed,) = place.hub.desk.store.list()
    assert str(listed.digest) == whole
