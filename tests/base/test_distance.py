"""How far tensors lie apart: torch and plain arithmetic are the judges."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from adapterhub.base import distance
from adapterhub.base.distance import Distance, distances, total
from adapterhub.base.places import places_of
from adapterhub.base.values import READABLE, numbers
from tests.base.builders import members

KINDS = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "I64": torch.int64, "I32": torch.int32,
    "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    "U16": torch.uint16, "U32": torch.uint32, "U64": torch.uint64,
}  # fmt: skip


@pytest.mark.parametrize("dtype", sorted(READABLE))
def test_values_are_read_as_torch_reads_them(dtype):
    data = bytes(range(256)) if dtype != "BOOL" else bytes([0, 1] * 128)
    theirs = torch.frombuffer(bytearray(data), dtype=KINDS[dtype]).to(torch.float64).numpy()
    ours = numbers(memoryview(data), dtype).astype(np.float64)
    assert np.array_equal(ours, theirs, equal_nan=True)


def sides(folder, arrays):
    folder.mkdir()
    save_file(arrays, folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    files = members(folder)
    return {name: (files, *place) for name, place in places_of(files).items()}


def apart(tmp_path, one, other):
    first, second = sides(tmp_path / "a", one), sides(tmp_path / "b", other)
    return distances((name, first[name], second[name]) for name in first)


@pytest.mark.parametrize("block", [3, 1 << 18])
def test_distances_are_those_of_the_formula(tmp_path, monkeypatch, block):
    monkeypatch.setattr(distance, "BLOCK", block)
    one = {name: torch.randn(7, 5) for name in ("a", "b")}
    other = {"a": one["a"] + torch.randn(7, 5) / 10, "b": one["b"].to(torch.bfloat16)}
    found = apart(tmp_path, one, other)
    for name, got in found.items():
        gap = other[name].double() - one[name].double()
        assert got.relative == pytest.approx(float(gap.norm() / one[name].double().norm()))
        assert got.largest == pytest.approx(float(gap.abs().max()))
    gaps = torch.stack([other[name].double() - one[name].double() for name in "ab"])
    together = total(found.values())
    assert together.relative == pytest.approx(float(gaps.norm() / torch.stack([*one.values()]).double().norm()))
    assert together.largest == pytest.approx(float(gaps.abs().max()))


def test_what_is_no_number_is_not_told(tmp_path):
    one = {
        "zero": torch.zeros(4),
        "nan": torch.tensor([1.0, float("nan")]),
        "wide": torch.tensor([3e38, 1.0]).bfloat16(),
        "none": torch.zeros(0, 3),
    }
    other = {"zero": torch.ones(4), "nan": torch.ones(2), "wide": -one["wide"], "none": torch.zeros(0, 3)}
    found = apart(tmp_path, one, other)
    assert (found["zero"].relative, found["zero"].largest) == (None, 1.0)
    assert (found["nan"].relative, found["nan"].largest) == (None, None)
    assert found["wide"].relative == pytest.approx(2.0)
    assert (found["none"].relative, found["none"].largest) == (None, 0.0)
    assert total(found.values()).largest is None
    assert total([]) == Distance(0.0, 0.0, 0.0)


def test_types_whose_values_cannot_be_told_have_no_distance(tmp_path):
    one = {"scale": torch.ones(4).to(torch.float8_e8m0fnu), "w": torch.ones(4)}
    assert apart(tmp_path, one, {"scale": one["scale"], "w": torch.zeros(4)}).keys() == {"w"}
