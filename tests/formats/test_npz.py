"""npz: golden bytes, numpy as the judge, and zips that lie."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats import npz
from adapterhub.formats.header import Header
from tests.formats.foreign_files import npy, zipped


def read(data: bytes) -> Header:
    return npz.read(io.BytesIO(data), len(data), "adapters.npz")


ARRAY = npy("<f4", (2, 1), b"\1" * 8)

GOLDEN = bytes.fromhex(
    "504b03042d000000000000002100fd96bee2ffffffffffffffff05001400612e6e70790100100084000000000000008400000000"
    "000000934e554d5059010076007b276465736372273a20273c6632272c2027666f727472616e5f6f72646572273a2046616c7365"
    "2c20277368617065273a2028322c292c207d20202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020200a003c0040504b01022d032d000000000000002100fd96bee284"
    "00000084000000050000000000000000000000800100000000612e6e7079504b0506000000000100010033000000bb0000000000"
)
"""Two halves called `a`, as numpy wrote them."""


def test_an_array_of_mlx_is_read_from_its_bytes():
    data = zipped({"q_proj.lora_a.npy": ARRAY})
    (tensor,) = read(data).tensors.values()
    assert (tensor.name, tensor.dtype, tensor.shape) == ("q_proj.lora_a", "F32", (2, 1))
    assert data[tensor.start : tensor.end] == b"\1" * 8


def test_the_bytes_numpy_wrote_are_read():
    (tensor,) = read(GOLDEN).tensors.values()
    assert (tensor.name, tensor.dtype, tensor.shape) == ("a", "F16", (2,))
    assert GOLDEN[tensor.start : tensor.end] == bytes.fromhex("003c0040")


@given(
    st.dictionaries(st.text("abc.", min_size=1), st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=4),
    st.sampled_from(["<f4", "<f2", "<f8", "<i8", "|u1", "|b1"]),
    st.booleans(),
)
def test_what_numpy_writes_is_read(shapes, descr, packed):
    stream = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(stream, **{n: np.ones(s, descr) for n, s in shapes.items()})
    tensors = read(stream.getvalue()).tensors
    assert {name: tensor.shape for name, tensor in tensors.items()} == shapes


def test_a_large_zip_of_numpy_with_long_sizes_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("a.npy", "w", force_zip64=True) as member:
        member.write(ARRAY)
    assert read((tmp_path / "a.npz").read_bytes()).tensors["a"].shape == (2, 1)


@pytest.mark.parametrize(
    "lie",
    [
        {"count": 3},
        {"count": 60000},
        {"length": 9999},
        {"start": 9999},
        {"packed": 1 << 31},
        {"packed": 0},
        {"size": 1 << 31},
        {"start": 0xFFFFFFFF},
    ],
    ids=str,
)
def test_a_zip_that_lies_about_a_number_is_refused(lie):
    with pytest.raises(Corrupt, match=r"adapters\.npz"):
        read(zipped({"a.npy": ARRAY}, **lie))


@pytest.mark.parametrize(
    "array",
    [
        npy("<f4", (1 << 40, 1 << 40), b"\1" * 8),
        npy("<f4", (2, 2), b"\1" * 8),
        npy(">f4", (2, 1), b"\1" * 8),
        npy("<f3", (2, 1), b"\1" * 6),
        ARRAY.replace(b"'shape'", b"'shopa'"),
        ARRAY.replace(b"(2, 1, )", b"(-2, 1,)"),
        ARRAY[:6] + b"\7" + ARRAY[7:],
        ARRAY[:8] + b"\xff\xff" + ARRAY[10:],
        b"",
        b"\x93NUMPY",
    ],
)
def test_an_array_that_lies_is_refused(array):
    with pytest.raises(Corrupt, match=r"a\.npy"):
        read(zipped({"a.npy": array}))


def test_pickled_objects_are_refused():
    stream = io.BytesIO()
    np.savez(stream, a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(Refused, match="pickled objects"):
        read(stream.getvalue())


def test_a_bomb_stays_packed():
    bomb = zipped({"a.npy": npy("<f4", (64 << 20,), b"") + bytes(256 << 20)}, deflate=True)
    tracemalloc.start()
    assert read(bomb).tensors["a"].shape == (64 << 20,)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_two_files_in_the_same_bytes_are_refused():
    inner = zipped({"b.npy": ARRAY})
    data = zipped({"a.npy": inner, "b.npy": ARRAY})
    row = data.rindex(b"PK\1\2")
    inside = data.index(b"PK\3\4", 4)
    with pytest.raises(Corrupt, match=r"begins inside 'a\.npy'"):
        read(data[: row + 42] + inside.to_bytes(4, "little") + data[row + 46 :])


@pytest.mark.parametrize("name", ["a.txt", "../a.pkl", "\udcff.npy"])
def test_a_member_that_is_no_array_is_refused(name):
    data = zipped({"x.npy": ARRAY}).replace(b"x.npy", name.encode(errors="surrogateescape")[:5].ljust(5, b"!"))
    with pytest.raises(Corrupt):
        read(data)


def test_the_same_name_twice_is_refused():
    data = zipped({"a.npy": ARRAY, "b.npy": ARRAY}).replace(b"b.npy", b"a.npy")
    with pytest.raises(Corrupt, match="twice"):
        read(data)


@given(st.data())
def test_a_damaged_zip_is_refused_or_read_but_never_a_crash(data):
    whole = bytearray(zipped({"a.npy": ARRAY, "b.npy": ARRAY}, deflate=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    for damaged in (bytes(whole), cut):
        try:
            read(damaged)
        except (Corrupt, Refused):
            continue
