"""Weights & Biases without its server: what it would upload is read from the file it writes, with its own records."""

import json
import struct
import time

import pytest
from wandb.proto import wandb_internal_pb2

from tests.train.watch.plugs.builders import TOLD, told, told_and_cut

BLOCK, HEADER = 32768, 7


def records(path):
    """The records of a .wandb file: 7 bytes, then a LevelDB log, blocks of pieces with checksum, length and kind."""
    data, place, whole = path.read_bytes(), HEADER, b""
    while place + HEADER <= len(data):
        if BLOCK - place % BLOCK < HEADER:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        whole += data[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (1, 4):  # whole, or the last piece
            yield wandb_internal_pb2.Record.FromString(whole)
            whole = b""


def offline(folder):
    """The records of each run, in order of time, once they are on disk: a process of its own writes them."""
    files = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    until = time.monotonic() + 60
    while not all(any(record.HasField("exit") for record in records(path)) for path in files):
        assert time.monotonic() < until, "no end of the run on disk"
        time.sleep(0.05)
    return [list(records(path)) for path in files]


def history(run):
    rows = [{"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in r.history.item} for r in run]
    return [row for row in rows if row]


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_PROJECT", "poems")


def test_wandb_holds_the_run(tmp_path):
    told("wandb", tmp_path)
    (run,) = offline(tmp_path)
    (begun,) = [record.run for record in run if record.HasField("run")]
    assert (begun.project, begun.display_name) == ("poems", "ada/poet")
    config = {item.key: json.loads(item.value_json) for item in begun.config.update if item.key != "_wandb"}
    assert config == {"seed": 0, "optim.lr": 0.001, "optim.betas": [0.9, 0.999], "adapter.targets": "all-linear"}
    rows = history(run)
    assert {row["step"]: row["train/loss"] for row in rows if "train/loss" in row} == pytest.approx(TOLD)
    assert [row["validation/accuracy"] for row in rows if "validation/accuracy" in row] == pytest.approx([0.8, 0.9])
    assert [record.exit.exit_code for record in run if record.HasField("exit")] == [0]


def test_wandb_draws_over_our_steps(tmp_path):
    told("wandb", tmp_path)
    (run,) = offline(tmp_path)
    axes = {record.metric.glob_name: record.metric.step_metric for record in run if record.HasField("metric")}
    assert axes["*"] == "step"


def test_a_run_that_goes_on_goes_on_in_wandb(tmp_path):
    told_and_cut("wandb", tmp_path, apart=1.1)  # its folders are named by the second
    cut, after = offline(tmp_path)
    names = {record.run.run_id for run in (cut, after) for record in run if record.HasField("run")}
    assert len(names) == 1
    assert {row["step"]: row["train/loss"] for row in history(cut) + history(after) if "train/loss" in row} == (
        pytest.approx(TOLD)
    )


def test_a_run_that_failed_says_so_in_wandb(tmp_path):
    told("wandb", tmp_path, reason="failed")
    (run,) = offline(tmp_path)
    assert [record.exit.exit_code for record in run if record.HasField("exit")] == [1]
