"""Files of safetensors written tensor by tensor, read back by the library."""

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from adapterhub.errors import AdapterHubError
from adapterhub.formats.safetensors_write import Room
from adapterhub.train.compress.shard import Shard

TENSORS = {
    "b": torch.arange(6, dtype=torch.bfloat16).view(2, 3),
    "a": torch.tensor([1, -2], dtype=torch.int8),
    "scalar": torch.tensor(3.5, dtype=torch.float64),
    "empty": torch.empty(0, 4),
}
NAMES = {"b": "BF16", "a": "I8", "scalar": "F64", "empty": "F32"}
ROOMS = {name: Room(NAMES[name], tuple(one.shape), one.nbytes) for name, one in TENSORS.items()}


def written(path, order):
    with Shard(path, ROOMS, {"format": "pt"}) as shard:
        for name in order:
            shard.put(name, TENSORS[name])
    return path.read_bytes()


def test_the_bytes_are_those_of_the_library_whatever_the_order(tmp_path):
    data = written(tmp_path / "x", TENSORS)
    assert data == written(tmp_path / "y", reversed(TENSORS)) == save(TENSORS, {"format": "pt"})
    for name, tensor in load_file(tmp_path / "x").items():
        assert torch.equal(tensor, TENSORS[name])


def test_metadata_is_kept(tmp_path):
    with Shard(tmp_path / "x", {}, {"format": "pt", "says": "ä"}):
        pass
    with safe_open(tmp_path / "x", "pt") as file:
        assert file.metadata() == {"format": "pt", "says": "ä"}


def test_what_is_not_written_or_too_long_is_a_fault(tmp_path):
    with pytest.raises(AdapterHubError, match="1 tensors were never written: a"):
        written(tmp_path / "x", ["b", "scalar", "empty"])
    shard = Shard(tmp_path / "y", ROOMS, {})
    with pytest.raises(AdapterHubError, match="a: got 8 bytes, there is room for 2"), shard:
        shard.put("a", torch.zeros(2))
