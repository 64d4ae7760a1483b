"""What befalls a run: a row that is no number, a full disk, a signal; nothing is lost by it."""

import errno
import math
import signal

import pytest
import torch

from adapterhub import durable
from adapterhub.errors import Conflict
from adapterhub.train.engine import checkpoint
from adapterhub.train.engine.fit import Interrupted, Run, fit
from adapterhub.train.engine.state import Keeper
from adapterhub.train.resources.precision import Diverged
from adapterhub.train.watch.record import Watchers
from tests.train.engine.builders import Noted, examples, job, loss, net, same, weights


def spoilt(at=4):
    """A job with a row that is NaN, taken by step `at`, and that row."""
    rows = examples(48)
    row = job(examples=rows, batch=8).batches.at(at)[3]
    rows[row][0][0, 0] = math.nan
    return job(examples=rows, batch=8, place=lambda index: f"train.csv, line {index + 2}"), row


def test_a_nan_names_its_row_and_the_last_good_state_is_there(tmp_path):
    keeper, (asked, row), noted = Keeper(tmp_path / "state.safetensors", {"data": "spoilt"}), spoilt(), Noted()
    with pytest.raises(Diverged, match=rf"^the loss of step 5 is nan, by train.csv, line {row + 2}$"):
        fit(asked, Run(keeper=keeper, every=1, watchers=Watchers((noted,))))
    assert (noted.of("ended")[0].reason, noted.of("ended")[0].step) == ("failed", 4)
    assert "line" in noted.of("ended")[0].message
    kept = checkpoint.load(keeper.path)
    assert kept.plain["progress"]["step"] == 4
    assert same(kept.part("weights"), weights(asked))
    assert all(tensor.isfinite().all() for tensor in kept.tensors.values())

    with pytest.raises(Conflict, match="the data is not what it was at the checkpoint: spoilt then, corrected now"):
        fit(job(batch=8), Run(keeper=Keeper(keeper.path, {"data": "corrected"})))


def test_where_the_rows_are_not_part_of_the_identity_a_corrected_one_goes_on(tmp_path):
    keeper, (asked, _) = Keeper(tmp_path / "state.safetensors"), spoilt()
    with pytest.raises(Diverged):
        fit(asked, Run(keeper=keeper, every=1))
    going, whole = job(batch=8), job(batch=8)
    fit(going, Run(keeper=keeper))
    fit(whole)
    assert same(weights(going), weights(whole))


def test_a_full_disk_is_told_and_the_run_goes_on_from_the_checkpoint_before(tmp_path, monkeypatch):
    keeper, asked, made = Keeper(tmp_path / "state.safetensors"), job(batch=8), []
    real = durable.os.replace

    def third_is_too_much(*paths):
        made.append(paths)
        if len(made) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*paths)

    monkeypatch.setattr(durable.os, "replace", third_is_too_much)
    with pytest.raises(OSError, match="No space left"):
        fit(asked, Run(keeper=keeper, every=2))
    monkeypatch.undo()
    assert checkpoint.load(keeper.path).plain["progress"]["step"] == 4
    going, whole = job(batch=8), job(batch=8)
    fit(going, Run(keeper=keeper))
    fit(whole)
    assert same(weights(going), weights(whole))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_ends_its_step_and_keeps_it(tmp_path, number):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    keeper, noted, calls = Keeper(tmp_path / "state.safetensors"), Noted(), []

    def rung(model, batch):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(number)
        return loss(model, batch)

    with pytest.raises(Interrupted, match="stopped after step 3"):
        fit(job(loss=rung, model=net(0.3)), Run(keeper=keeper, watchers=Watchers((noted,))))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert (noted.of("ended")[0].reason, noted.of("ended")[0].step) == ("interrupted", 3)
    assert checkpoint.load(keeper.path).plain["progress"]["step"] == 3

    going, whole, noted = job(model=net(0.3)), job(model=net(0.3)), Noted()
    fit(going, Run(keeper=keeper, watchers=Watchers((noted,))))
    fit(whole)
    assert same(weights(going), weights(whole))
    assert noted.of("begun")[0].step == 3


def test_a_second_ctrl_c_ends_at_once(tmp_path):
    before = signal.getsignal(signal.SIGINT)

    def rung(model, batch):
        signal.raise_signal(signal.SIGINT)
        while signal.getsignal(signal.SIGINT) is not before:  # Python hears of two that come together once
            pass
        signal.raise_signal(signal.SIGINT)
        return loss(model, batch)

    with pytest.raises(KeyboardInterrupt) as caught:
        fit(job(loss=rung), Run(keeper=Keeper(tmp_path / "state.safetensors")))
    assert not isinstance(caught.value, Interrupted)
    assert not (tmp_path / "state.safetensors").exists()


def test_a_run_that_was_finished_is_taken_as_it_is(tmp_path):
    keeper, first = Keeper(tmp_path / "state.safetensors"), job()
    fit(first, Run(keeper=keeper))

    def never(model, batch):
        raise AssertionError("no step is left")

    again = job(loss=never, model=net(seed=5))
    progress = fit(again, Run(keeper=keeper))
    assert same(weights(first), weights(again))
    assert progress.step == 6


def test_what_a_run_came_down_to_is_where_it_goes_on(tmp_path):
    keeper, seen = Keeper(tmp_path / "state.safetensors"), []

    def hungry(model, batch):
        seen.append(len(batch["tokens"]))
        if seen[-1] > 4:
            raise torch.OutOfMemoryError("out of memory")
        return loss(model, batch)

    assert fit(job(loss=hungry, steps=2, epochs=None), Run(keeper=keeper)).micro == 4
    assert seen == [16, 8, *[4] * 8]
    seen.clear()
    kept = checkpoint.load(keeper.path)
    checkpoint.save(
        keeper.path,
        checkpoint.Checkpoint(kept.tensors, kept.plain | {"progress": {**kept.plain["progress"], "step": 1}}),
    )
    fit(job(loss=hungry, steps=2, epochs=None), Run(keeper=keeper))
    assert seen == [4] * 4
