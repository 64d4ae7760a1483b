"""NaN and infinity are found in every type of number, and nowhere else."""

import json

import pytest
import torch
from safetensors.torch import save

from adapterhub.audit.deep import finite
from adapterhub.audit.deep.finite import broken, untold
from adapterhub.audit.deep.values import Broken
from adapterhub.formats.header import TensorInfo

TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e5m2]


def tensors(data: bytes) -> list[TensorInfo]:
    size = int.from_bytes(data[:8], "little")
    rows = {name: row for name, row in json.loads(data[8 : 8 + size]).items() if name != "__metadata__"}
    return [
        TensorInfo(name, row["dtype"], tuple(row["shape"]), *(8 + size + at for at in row["data_offsets"]))
        for name, row in rows.items()
    ]


def found(**named: torch.Tensor) -> list[Broken]:
    data = save(named)
    return list(broken(bytearray(data), tensors(data)))


@pytest.mark.parametrize("dtype", TYPES)
def test_each_is_counted_in_each_type(dtype: torch.dtype) -> None:
    values = torch.linspace(-2, 2, 60).reshape(5, 12)
    values[1, 2] = values[4, 11] = float("nan")
    values[0, 0] = float("-inf")
    (row,) = found(good=torch.ones(3, dtype=dtype), bad=values.to(dtype), whole=torch.arange(4))
    assert row == Broken(tensor="bad", nan=2, infinite=1, count=60)


def test_a_value_in_any_block_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finite, "BLOCK", 7)
    for place in range(20):
        values = torch.ones(20, dtype=torch.bfloat16)
        values[place] = float("nan")
        assert [row.nan for row in found(x=values)] == [1]


def test_the_largest_and_the_smallest_number_are_numbers() -> None:
    for dtype in TYPES[:-1]:
        limits = torch.finfo(dtype)
        assert found(x=torch.tensor([limits.max, limits.min, limits.tiny, 0.0], dtype=dtype)) == []


def test_names_have_no_prefix_and_unknown_types_are_told() -> None:
    name = "base_model.model.h.0.q.lora_A.weight"
    data = save({name: torch.tensor([float("inf")])})
    assert [row.tensor for row in broken(bytearray(data), tensors(data))] == ["h.0.q.lora_A.weight"]
    odd = TensorInfo(name, "F8_E8M0", (4,), 0, 4)
    assert list(broken(bytearray(4), [odd])) == []
    assert list(untold([odd, TensorInfo("n", "I64", (1,), 0, 8)])) == [
        "values of the type F8_E8M0 at h.0.q.lora_A.weight"
    ]
