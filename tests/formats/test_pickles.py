"""Pickles: told from outside, converted by a child, and never run."""

import io
import os
import pickle
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats import pickles
from adapterhub.formats.pickles import convert, describe, refuse


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def saved(path: Path, what) -> Path:
    torch.save(what, path)
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(b"\x80\x02}X\x0f\0\0\0string_to_param"), "a textual inversion"),
        (zipped(b"\x80\x02ctransformers.training_args\nTrainingArguments"), "arguments of a training"),
        (b"\x80\x04\x95param_groups", "state of an optimiser"),
        (zipped(b"\x80\x02."), "tensors or objects of some kind"),
        (b"PK\x03\x04rubbish", "damaged zip"),
        (b"hello", "no pickle"),
        (b"", "an empty file"),
    ],
)
def test_a_pickle_is_told_by_its_first_bytes(tmp_path, data, words):
    path = written(tmp_path / "x.pt", data)
    assert words in describe(path)
    with pytest.raises(Refused, match=r"x\.pt: a pickle"):
        refuse(path)


def test_a_pointer_of_git_lfs_is_not_called_a_pickle(tmp_path):
    with pytest.raises(Corrupt, match="Git LFS"):
        describe(written(tmp_path / "x.bin", b"version https://git-lfs.github.com/spec/v1\n"))


def test_tensors_come_out_as_they_went_in(tmp_path):
    tensors = {"w": torch.randn(3, 4), "h": torch.randn(2).to(torch.bfloat16), "t": torch.arange(6).view(2, 3).T}
    convert(saved(tmp_path / "in.bin", tensors), tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_the_same_tensors_become_the_same_bytes(tmp_path):
    shared = torch.randn(4)
    tensors = {"b": shared, "a": shared}
    convert(saved(tmp_path / "1.bin", tensors), tmp_path / "1")
    convert(saved(tmp_path / "2.bin", dict(reversed(tensors.items()))), tmp_path / "2")
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert b'"format":"pt"' in (tmp_path / "1").read_bytes()


def bombs(marker: Path):
    stream = io.BytesIO()
    torch.save({"w": torch.zeros(1), "x": Bomb(marker)}, stream)
    return {"raw": pickle.dumps(Bomb(marker)), "zip": zipped(pickle.dumps(Bomb(marker), 2)), "torch": stream.getvalue()}


@pytest.mark.parametrize("kind", ["raw", "zip", "torch"])
def test_a_pickle_that_would_run_something_runs_nothing(tmp_path, kind):
    marker = tmp_path / "was-run"
    path = written(tmp_path / "adapter_model.bin", bombs(marker)[kind])
    with pytest.raises((Refused, Corrupt), match=r"adapter_model\.bin"):
        convert(path, tmp_path / "out")
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({}, "an empty state dict"),
        ([1], "wanted a dictionary"),
        ({"a": 1}, "got int at 'a'"),
        ({3: torch.ones(1)}, "at 3"),
    ],
)
def test_what_is_no_state_dict_is_corrupt(tmp_path, what, words):
    with pytest.raises(Corrupt, match=words):
        convert(saved(tmp_path / "x.bin", what), tmp_path / "out")


def test_a_cut_pickle_is_corrupt(tmp_path):
    path = saved(tmp_path / "x.bin", {"w": torch.randn(99)})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(Corrupt, match="torch cannot read it"):
        convert(path, tmp_path / "out")


def test_a_child_that_takes_too_long_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "SECONDS", 0.01)
    with pytest.raises(Refused, match="given up"):
        convert(saved(tmp_path / "x.bin", {"w": torch.ones(1)}), tmp_path / "out")


def test_a_child_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Refused, match="ended with 1"):
        convert(saved(tmp_path / "x.bin", {"w": torch.ones(1)}), tmp_path / "out")
