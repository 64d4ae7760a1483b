"""Digests of tensors and files, taken side by side."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.base import hashing
from adapterhub.base.hashing import file_digests, tensor_digests
from adapterhub.base.places import places_of
from adapterhub.errors import Corrupt
from tests.base.builders import checkpoint, members


@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=8), block=st.sampled_from([4, 12, 64]))
def test_blocks_and_pieces_of_any_size_give_the_same_digests(tmp_path_factory, sizes, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "BLOCK", block)
        patch.setattr(hashing, "PIECE", 200)
        arrays = {f"t{n}": np.arange(size, dtype=np.float32) + n for n, size in enumerate(sizes)}
        files = members(checkpoint(tmp_path_factory.mktemp("base"), arrays))
        seen: list[int] = []
        found = tensor_digests(files, places_of(files).values(), seen.append)
    assert {name: row["sha256"] for name, row in found.items()} == {
        name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()
    }
    assert sum(seen) == sum(array.nbytes for array in arrays.values())


def test_files_are_hashed_whole(tmp_path):
    folder = checkpoint(tmp_path, {"a": np.arange(9.0)})
    found = file_digests(members(folder), ["config.json", "model.safetensors"])
    assert found == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in found}


def test_a_file_that_grows_while_it_is_hashed_is_corrupt(tmp_path):
    folder = checkpoint(tmp_path, {"a": np.arange(9.0)})

    class Growing:
        names, open = members(folder).names, members(folder).open

        def size(self, name):
            return members(folder).size(name) - 1

    with pytest.raises(Corrupt, match=r"model.safetensors: wanted \d+ bytes, got"):
        file_digests(Growing(), ["model.safetensors"])
