"""A file is synced while it is written, and no error of the disk is lost on the way."""

import os
import threading

import pytest

from adapterhub.compose.checkpoints import flush as module
from adapterhub.compose.checkpoints.flush import Flush
from adapterhub.lora.adapter import Adapter
from tests.compose.checkpoints.builders import checkpoint, delta, fused, normal, one


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "EVERY", 10)
    with (tmp_path / "file").open("wb") as stream:
        yield stream.fileno()


def failing(times):
    """An fsync of which the first ones fail, as the kernel tells of a lost page once."""
    left = [times]

    def fsync(file):
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(5, "Input/output error")

    return fsync


def test_it_syncs_only_when_enough_was_written_and_once_more_at_the_end(file, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with Flush(file) as flush:
        flush.wrote(9)
        assert synced == []
        flush.wrote(1)
        flush.end()
        assert synced == [file, file]


def test_an_error_on_the_way_is_told_though_the_last_sync_is_fine(file, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(1))
    with Flush(file) as flush:
        flush.wrote(10)
        with pytest.raises(OSError, match="Input/output"):
            flush.end()


def test_no_sync_is_under_way_when_it_is_left(file, monkeypatch):
    begun, go, ended = threading.Event(), threading.Event(), []

    def slow(file):
        begun.set()
        go.wait()
        ended.append(file)

    monkeypatch.setattr(os, "fsync", slow)
    with Flush(file) as flush:
        flush.wrote(10)
        begun.wait()
        flush.wrote(10)  # the writer does not wait for the disk
        threading.Timer(0.05, go.set).start()
    assert ended == [file]


def test_a_disk_that_fails_while_weights_are_written_ends_the_fuse(tmp_path, monkeypatch):
    base = checkpoint(tmp_path / "base", {f"{name}.weight": normal(40, 30) for name in "abc"})
    parts = [one(Adapter({name: delta(40, 30, seed=1) for name in "abc"}))]
    fused(parts, base, tmp_path / "whole")
    real = os.fsync

    def fsync(file):
        if threading.current_thread().name.startswith("flush"):
            raise OSError(5, "Input/output error")
        real(file)

    with monkeypatch.context() as patch:
        patch.setattr(module, "EVERY", 1)
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="Input/output"):
            fused(parts, base, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    fused(parts, base, tmp_path / "out")
    same = [(tmp_path / folder / "model.safetensors").read_bytes() for folder in ("whole", "out")]
    assert same[0] == same[1]
