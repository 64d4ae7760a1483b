"""A state comes back as it was, or it is said what is wrong with its file; the one before is never lost."""

import errno
import json

import pytest
import torch

from adapterhub import durable
from adapterhub.errors import Corrupt
from adapterhub.train.engine.checkpoint import Checkpoint, load, save

TENSORS = {
    "weights/a": torch.arange(12.0).reshape(3, 4).T,
    "weights/half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "part 0/kept": torch.tensor([True, False]),
    "part 0/none": torch.zeros(0, 3),
    "optimizer/step/a": torch.tensor(7.0),
    "precision/good_steps": torch.tensor(3, dtype=torch.int64),
}
PLAIN = {"progress": {"step": 7, "best": {"accuracy": 0.5}}, "identity": {"data": "sha256:ü"}}


@pytest.fixture
def path(tmp_path):
    save(tmp_path / "state.safetensors", Checkpoint(TENSORS, PLAIN))
    return tmp_path / "state.safetensors"


def test_a_state_comes_back_as_it_was(path):
    found = load(path)
    assert found.plain == PLAIN
    assert found.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert torch.equal(found.tensors[name], tensor)


def test_a_part_is_found_without_its_head(path):
    assert sorted(load(path).part("part 0")) == ["kept", "none"]
    assert load(path).part("part") == {}


def test_the_same_state_has_the_same_bytes(path, tmp_path):
    for _ in range(5):
        save(tmp_path / "other", Checkpoint(dict(reversed(TENSORS.items())), dict(reversed(PLAIN.items()))))
        assert (tmp_path / "other").read_bytes() == path.read_bytes()


def test_where_there_is_none_there_is_none(tmp_path):
    assert load(tmp_path / "state.safetensors") is None


def test_a_file_cut_anywhere_is_corrupt(path):
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 9, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(Corrupt, match=r"state\.safetensors: no state of a training"):
            load(path)


def test_a_byte_changed_anywhere_is_corrupt(path):
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(Corrupt):
            load(path)


def rewritten(path, change):
    """The file with another header over the same tensors."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    change(header)
    new = json.dumps(header).encode()
    path.write_bytes(len(new).to_bytes(8, "little") + new + data[8 + size :])


@pytest.mark.parametrize("change", [
    lambda header: header["weights/a"].update(dtype="I32"),
    lambda header: header["weights/a"].update(shape=[3, 4]),
    lambda header: header.update({"weights/b": header.pop("weights/a")}),
    lambda header: header["__metadata__"].update(state=header["__metadata__"]["state"].replace('"step":7', '"step":8')),
], ids=["dtype", "shape", "name", "plain part"])  # fmt: skip
def test_a_header_that_says_something_else_is_corrupt(path, change):
    rewritten(path, change)
    with pytest.raises(Corrupt, match="damaged: its digest is another"):
        load(path)


def test_what_was_never_a_state_is_corrupt_and_the_hint_helps(path, tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "plain.safetensors")
    for data in (b"PK\x03\x04 no safetensors" * 10, (tmp_path / "plain.safetensors").read_bytes()):
        path.write_bytes(data)
        with pytest.raises(Corrupt) as caught:
            load(path)
        assert "--restart" in caught.value.hint


@pytest.mark.parametrize("when", ["write", "sync", "rename"])
def test_a_full_disk_leaves_the_state_before_and_nothing_else(path, tmp_path, monkeypatch, when):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if when == "write":

        def hold(stream, *rest):
            stream.write(b"half of it")
            full()

        monkeypatch.setattr(durable, "commit", hold)
    else:
        monkeypatch.setattr(durable.os, "fsync" if when == "sync" else "replace", full)
    with pytest.raises(OSError, match="No space left") as caught:
        save(path, Checkpoint(TENSORS, {"progress": {"step": 8}}))
    monkeypatch.undo()
    assert caught.value.errno == errno.ENOSPC
    assert load(path).plain == PLAIN
    assert [one.name for one in tmp_path.iterdir()] == ["state.safetensors"]
