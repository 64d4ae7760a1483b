"""GGUF headers: golden bytes, the gguf package as the judge, and files that lie."""

import io
import struct
import tracemalloc

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Corrupt
from adapterhub.formats import gguf_header
from adapterhub.formats.gguf_header import GgufHeader
from adapterhub.formats.gguf_types import BLOCKS
from tests.formats import foreign_files
from tests.formats.foreign_files import Tensor, text

GOLDEN = (
    b"GGUF\3\0\0\0" + b"\1\0\0\0\0\0\0\0" + b"\1\0\0\0\0\0\0\0"
    b"\1\0\0\0\0\0\0\0k" + b"\4\0\0\0" + b"\7\0\0\0"
    b"\1\0\0\0\0\0\0\0t" + b"\2\0\0\0" + b"\3\0\0\0\0\0\0\0" + b"\2\0\0\0\0\0\0\0" + b"\1\0\0\0" + bytes(8)
) + bytes(14) + b"\0<" * 6  # fmt: skip
"""One key k = 7 and one F16 tensor t of 2 rows and 3 columns, aligned to 32."""


def read(data: bytes) -> GgufHeader:
    return gguf_header.read(io.BytesIO(data), len(data), "a.gguf")


def small(**values: object) -> bytes:
    return foreign_files.gguf(values, {"t": Tensor(2, 4)})


def test_golden_bytes_are_read():
    header = read(GOLDEN)
    (tensor,) = header.tensors.values()
    assert header.version == 3
    assert header.values == {"k": 7}
    assert (tensor.dtype, tensor.shape) == ("F16", (2, 3))
    assert GOLDEN[tensor.start : tensor.end] == b"\0<" * 6


def test_the_types_are_those_of_the_gguf_package():
    theirs = {int(kind): (kind.name, *block) for kind, block in gguf.GGML_QUANT_SIZES.items()}
    assert theirs.items() <= BLOCKS.items()


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=4), st.sampled_from([8, 32, 64]))
def test_what_the_gguf_package_writes_is_read(tmp_path_factory, shapes, alignment):
    path = tmp_path_factory.mktemp("g") / "a.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(alignment)
    writer.add_array("words", ["a", "b"] * 100)
    for number, shape in enumerate(shapes):
        writer.add_tensor(f"t{number}", np.ones(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = read(path.read_bytes())
    assert [tensor.shape for tensor in header.tensors.values()] == shapes
    assert header.values["general.architecture"] == "llama"
    assert header.values["words"] == 200


def test_the_gguf_package_reads_what_our_tests_write(tmp_path):
    (tmp_path / "a.gguf").write_bytes(small(rank=4, name="poet"))
    (tensor,) = gguf.GGUFReader(tmp_path / "a.gguf").tensors
    assert (tensor.name, tuple(tensor.shape)) == ("t", (4, 2))


def test_every_kind_of_value_is_read():
    values = {"text": "é", "yes": True, "number": 7, "real": 0.5, "list": [1, 2], "words": ["a", "b"], "none": []}
    assert read(foreign_files.gguf(values, {})).values == values


def test_a_nested_array_is_stepped_over():
    inner = struct.pack("<IQ2I", 4, 2, 1, 2)
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("k") + struct.pack("<IIQ", 9, 9, 2) + inner * 2
    assert read(data).values == {"k": 2}


def put(data: bytes, place: int, form: str, *values: int) -> bytes:
    new = struct.pack(form, *values)
    return data[:place] + new + data[place + len(new) :]


LIES = {
    "another file": (b"GGML" + GOLDEN[4:], "begins with"),
    "nothing": (b"", "begins with"),
    "version 1": (put(GOLDEN, 4, "<I", 1), "got 1"),
    "big endian": (put(GOLDEN, 4, ">I", 3), "big endian"),
    "too many tensors": (put(GOLDEN, 8, "<Q", 1 << 60), "claims"),
    "one tensor more": (put(GOLDEN, 8, "<Q", 2), "dimensions"),
    "too many keys": (put(GOLDEN, 16, "<Q", 1 << 60), "claims"),
    "a long key": (put(GOLDEN, 24, "<Q", 1 << 62), "claims"),
    "a key that is no text": (put(GOLDEN, 32, "<B", 255), "UTF-8"),
    "an unknown kind of value": (put(GOLDEN, 33, "<I", 99), "type 99"),
    "an array of unknown things": (put(GOLDEN, 33, "<II", 9, 99), "type 99"),
    "no dimensions": (put(GOLDEN, 50, "<I", 0), "got 0"),
    "many dimensions": (put(GOLDEN, 50, "<I", 1 << 30), "dimensions"),
    "a large tensor": (put(GOLDEN, 54, "<Q", 1 << 61), "cut off"),
    "a tensor without elements": (put(GOLDEN, 54, "<Q", 0), "blocks"),
    "an unknown type": (put(GOLDEN, 70, "<I", 4), "type 4"),
    "half a block": (put(GOLDEN, 70, "<I", 8), "blocks of 32"),
    "an offset behind the end": (put(GOLDEN, 74, "<Q", 1 << 62), "cut off"),
    "an offset that is not aligned": (put(GOLDEN, 74, "<Q", 2), "not aligned"),
    "cut off": (GOLDEN[:-1], "cut off"),
    "alignment 0": (small(**{"general.alignment": 0}), "alignment"),
    "alignment 24": (small(**{"general.alignment": 24}), "alignment"),
    "alignment of text": (small(**{"general.alignment": "32"}), "alignment"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_before_anything_is_allocated(lie):
    data, says = LIES[lie]
    tracemalloc.start()
    with pytest.raises(Corrupt, match=rf"a\.gguf: .*{says}"):
        read(data)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_an_array_that_claims_more_than_the_file_has_is_refused():
    data = small(words=["a"])
    with pytest.raises(Corrupt, match="claims"):
        read(put(data, data.index(b"words") + 13, "<Q", 1 << 59))


def test_arrays_nested_without_end_are_refused():
    inner = struct.pack("<IQ", 9, 1) * 1000
    with pytest.raises(Corrupt, match="deep"):
        read(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("k") + struct.pack("<I", 9) + inner)


@pytest.mark.parametrize("inner", [b"", struct.pack("<IQ", 7, 64) + bytes(64)], ids=["texts", "short arrays"])
def test_values_that_would_take_minutes_to_go_through_are_refused_at_once(inner, monkeypatch):
    monkeypatch.setattr(gguf_header, "MOST_ITEMS", 1000)
    count = 1001 if not inner else 16
    data = inner * count if inner else bytes(8 * count)
    name = struct.pack("<Q", 1) + b"x" + struct.pack("<I", 9) + struct.pack("<IQ", 9 if inner else 8, count)
    with pytest.raises(Corrupt, match="values in arrays; 1000 may be"):
        read(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + name + data)


def test_a_yes_or_no_that_is_neither_is_refused():
    data = small(yes=True)
    with pytest.raises(Corrupt, match="'yes'"):
        read(put(data, data.index(b"yes") + 7, "<B", 2))


def test_tensors_in_the_same_bytes_are_refused():
    data = foreign_files.gguf({}, {"a": Tensor(64), "b": Tensor(64)})
    with pytest.raises(Corrupt, match="begins inside"):
        read(put(data, data.index(text("b")) + 9 + 16, "<Q", 0))


def test_a_name_twice_is_refused():
    tensors = foreign_files.gguf({}, {"a": Tensor(8), "b": Tensor(8)}).replace(text("b"), text("a"))
    keys = foreign_files.gguf({"a": 1, "b": 1}, {}).replace(text("b"), text("a"))
    for data in (tensors, keys):
        with pytest.raises(Corrupt, match="twice"):
            read(data)


def test_a_git_lfs_pointer_is_called_one():
    with pytest.raises(Corrupt, match="LFS"):
        read(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


@given(st.data())
def test_a_damaged_header_is_refused_or_read_but_never_a_crash(data):
    whole = bytearray(GOLDEN)
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        header = read(bytes(whole))
    except Corrupt:
        return
    assert all(tensor.end <= len(whole) for tensor in header.tensors.values())
