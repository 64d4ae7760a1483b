"""The writer makes the files the library makes, of every type."""

import io

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from safetensors.torch import load_file

from adapterhub.formats import safetensors_header
from adapterhub.formats.safetensors_write import NAMES, Raw, write

TYPES = st.sampled_from([np.float32, np.float16, np.int64])


@given(st.dictionaries(st.text(min_size=1, max_size=9), TYPES, max_size=5))
def test_the_bytes_are_those_of_the_library(tmp_path_factory, kinds):
    folder = tmp_path_factory.mktemp("w")
    arrays = {name: np.arange(6, dtype=kind).reshape(2, 3) for name, kind in kinds.items()}
    save_file(arrays, folder / "theirs", metadata={"format": "pt"})
    write({name: Raw.of(array) for name, array in arrays.items()}, folder / "ours")
    assert (folder / "ours").read_bytes() == (folder / "theirs").read_bytes()


def test_types_numpy_does_not_know_come_back(tmp_path):
    tensors = {
        "w": torch.randn(2, 5).bfloat16(),
        "seen": torch.tensor([2**24 + 1]),
        "mask": torch.tensor([True, False]),
    }
    raw = {
        name: Raw(NAMES[str(t.dtype)[6:]], tuple(t.shape), t.view(-1).view(torch.uint8).numpy().tobytes())
        for name, t in tensors.items()
    }
    write(raw, tmp_path / "w")
    got = load_file(tmp_path / "w")
    assert all(torch.equal(got[name], tensor) for name, tensor in tensors.items())


def test_our_own_parser_reads_it(tmp_path):
    write({"a": Raw.of(np.ones((2, 2), np.float32))}, tmp_path / "w")
    data = (tmp_path / "w").read_bytes()
    assert safetensors_header.read(io.BytesIO(data), len(data), "w").tensors["a"].shape == (2, 2)
