"""The safetensors header: golden bytes, files that lie, round trips, and safetensors itself as the judge."""

import io
import json
import random
import struct
from typing import Any

import pytest
import safetensors
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Corrupt
from adapterhub.formats.header import BITS, Header, TensorInfo, commonest_dtype
from adapterhub.formats.safetensors_header import read

GOLDEN = (
    b"\x58\x00\x00\x00\x00\x00\x00\x00"
    b'{"__metadata__":{"format":"pt"},"w":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}} '
    b"\x01\x02\x03\x04"
)


def parse(data: bytes) -> Header:
    return read(io.BytesIO(data), len(data), "a.safetensors")


def built(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def row(dtype: str = "F32", shape: Any = (2,), begin: Any = 0, end: Any = 8) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_golden_bytes_are_read_as_they_stand():
    assert parse(GOLDEN) == Header({"w": TensorInfo("w", "F16", (1, 2), 96, 100)}, {"format": "pt"})


def test_metadata_may_be_null_as_mlx_writes_it():
    assert parse(built({"__metadata__": None, "w": row()}, bytes(8))).metadata == {}


def test_a_file_without_tensors_is_a_file():
    assert parse(built({})) == Header({}, {})


def test_the_commonest_type_is_that_of_most_parameters():
    tensors = parse(
        built({"a": row("I8", [2], 0, 2), "b": row("I8", [2], 2, 4), "w": row("F32", [9], 4, 40)}, bytes(40))
    )
    assert commonest_dtype(tensors.tensors.values()) == "F32"
    assert tensors.parameters == 13


LIES = {
    "no length": (b"\x00\x01", "8 bytes, got 2"),
    "a huge length": (b"\xff" * 8 + b"{}", "claims 18446744073709551615 bytes, but 100000000 are allowed"),
    "a length past the end": (built({}, length=3), "claims 3 bytes, but 2 follow"),
    "a pickle": (b"PK\x03\x04\x00\x00\x00\x00\x00data.pkl", "begins like a zip, as PyTorch's pickles are"),
    "a web page": (b"<!DOCTYPE html><html>", "begins like a web page"),
    "no brace": (built(b" {}"), "begins with"),
    "no json": (built(b'{"w":'), "no JSON"),
    "no utf-8": (built(b'{"\xff":1}'), "no JSON"),
    "endless nesting": (built(b'{"a":' * 100_000), "no JSON"),
    "a name twice": (built(b'{"w":{},"w":{}}'), "stands there twice"),
    "a lone surrogate": (built(b'{"\\ud800":{}}'), "no JSON"),
    "infinity": (built(b'{"w":Infinity}'), "no JSON"),
    "numbers in the metadata": (built({"__metadata__": {"n": 1}}), "text to text"),
    "a list as metadata": (built({"__metadata__": []}), "text to text"),
    "no row": (built({"w": 3}), "needs dtype"),
    "half a row": (built({"w": {"dtype": "F32"}}), "needs dtype"),
    "an unknown type": (built({"w": row("F31")}, bytes(8)), "unknown dtype 'F31'"),
    "a type that is a list": (built({"w": row(["F32"])}, bytes(8)), "unknown dtype"),  # type: ignore[arg-type]
    "a negative size": (built({"w": row(shape=[-1, -2])}, bytes(8)), "no size"),
    "a yes as a size": (built({"w": row(shape=[True, 2])}, bytes(8)), "whole numbers"),
    "half a size": (built({"w": row(shape=[2.0])}, bytes(8)), "whole numbers"),
    "a size of many digits": (built({"w": row(shape=[10**400])}, bytes(8)), "no size"),
    "a shape that is a number": (built({"w": row(shape=2)}, bytes(8)), "whole numbers"),
    "three offsets": (built({"w": {**row(), "data_offsets": [0, 8, 8]}}, bytes(8)), "two whole numbers"),
    "a shape that is too large": (built({"w": row(shape=[3])}, bytes(8)), "takes 12 bytes, its offsets give 8"),
    "an end before the beginning": (built({"w": row(shape=[2], begin=8, end=0)}, bytes(8)), "give -8"),
    "an overlap": (built({"a": row(), "b": row(begin=4, end=12)}, bytes(12)), "overlaps"),
    "a gap": (built({"a": row(), "b": row(begin=9, end=17)}, bytes(17)), "leaves a gap"),
    "a gap at the front": (built({"a": row(begin=1, end=9)}, bytes(9)), "leaves a gap"),
    "a cut file": (built({"w": row()}, bytes(7)), "is cut off"),
    "bytes of nobody": (built({"w": row()}, bytes(9)), "belong to nothing"),
    "exabytes": (built({"w": row("I8", [1 << 60], 0, 1 << 60)}), "is cut off"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_told_with_the_name_of_the_file(lie):
    data, words = LIES[lie]
    with pytest.raises(Corrupt, match=r"a\.safetensors: ") as told:
        parse(data)
    assert words in str(told.value)


@pytest.mark.parametrize("lie", sorted(LIES.keys() - {"no brace", "a name twice"}))
def test_safetensors_calls_it_a_lie_too(lie):
    with pytest.raises(safetensors.SafetensorError):
        safetensors.deserialize(LIES[lie][0])


def test_a_pointer_of_git_lfs_is_called_by_its_name():
    data = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 45118424\n"
    with pytest.raises(Corrupt, match=r"Git LFS pointer.*45118424 bytes with sha256:abab") as told:
        parse(data)
    assert "git lfs pull" in told.value.hint


def test_a_stream_that_ends_early_is_corrupt():
    with pytest.raises(Corrupt, match="wanted 88 bytes of header, got 12"):
        read(io.BytesIO(GOLDEN[:20]), len(GOLDEN), "a.safetensors")


WHOLE = [dtype for dtype, bits in BITS.items() if bits % 8 == 0]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda name: name != "__metadata__")
SHAPES = st.lists(st.integers(0, 5), max_size=4)


@given(st.dictionaries(NAMES, st.tuples(st.sampled_from(WHOLE), SHAPES), max_size=6), st.dictionaries(NAMES, st.text()))
def test_what_is_written_is_what_is_read(tensors, metadata):
    table, end = {"__metadata__": metadata}, 0
    for name, (dtype, shape) in tensors.items():
        size = TensorInfo(name, dtype, tuple(shape), 0, 0).parameters * BITS[dtype] // 8
        table[name] = row(dtype, shape, end, end + size)
        end += size
    header = parse(built(table, bytes(end)))
    assert header.metadata == metadata
    assert {name: (info.dtype, list(info.shape)) for name, info in header.tensors.items()} == tensors


def accepted(judge: Any, data: bytes) -> bool:
    try:
        judge(data)
    except (Corrupt, safetensors.SafetensorError):
        return False
    return True


def test_safetensors_agrees_about_files_with_a_few_bytes_changed():
    rolls, verdicts = random.Random(7), set()
    whole = built({"a": row("F32", [2, 2], 0, 16), "b": row("I8", [0], 16, 16), "c": row("F16", [], 16, 18)}, bytes(18))
    for _ in range(3000):
        data = bytearray(whole)
        data[rolls.randrange(8, len(data))] = rolls.choice(b'{}[]":,0123456789-+eE.F nul\\\x00\xff')
        ours = accepted(parse, bytes(data))
        assert ours == accepted(safetensors.deserialize, bytes(data)), bytes(data)
        verdicts.add(ours)
    assert verdicts == {True, False}


def test_a_header_of_numpy_files_is_read_with_the_bytes_where_they_are():
    import numpy as np
    from safetensors.numpy import save

    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    data = save({"w": value, "a": np.zeros(3, np.int64)}, metadata={"format": "pt"})
    info = parse(data).tensors["w"]
    assert data[info.start : info.end] == value.tobytes()
    assert info.shape == (2, 3)
