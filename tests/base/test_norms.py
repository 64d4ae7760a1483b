"""‖W‖ is that of the dense matrix, wherever and however it lies."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from adapterhub.base import distance
from adapterhub.base.norms import matrices, norms
from adapterhub.base.places import read_places
from adapterhub.base.weights import Weight
from adapterhub.formats.members import FolderMembers


def found(folder: Path, weight: Weight, **tensors: torch.Tensor) -> list[float]:
    """‖W‖ of every matrix of a weight of a base that has these tensors, whose names have dots for underscores."""
    save_file({name.replace("_", "."): tensor for name, tensor in tensors.items()}, str(folder / "model.safetensors"))
    (folder / "config.json").write_text("{}")
    members = FolderMembers({path.name: path for path in folder.iterdir()})
    rows = matrices(weight, read_places(members))
    read = norms(members, rows)
    return [read[row] for row in rows]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_plain_weight_of_any_type(tmp_path: Path, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distance, "BLOCK", 7)
    W = torch.randn(9, 5).to(dtype)
    (size,) = found(tmp_path, Weight((9, 5), ("q.weight",)), a_weight=torch.ones(3), q_weight=W)
    assert size == pytest.approx(float(torch.linalg.norm(W.double())), rel=1e-12)


def test_a_share_of_the_rows_of_a_fused_weight(tmp_path: Path) -> None:
    W = torch.randn(9, 5)
    (size,) = found(tmp_path, Weight((3, 5), ("qkv.weight",), part="rows 1", rule="apart"), qkv_weight=W)
    assert size == pytest.approx(float(torch.linalg.norm(W[3:6].double())))


def test_parts_that_are_fused_by_a_rule(tmp_path: Path) -> None:
    q, k = torch.randn(3, 5), torch.randn(4, 5)
    (size,) = found(tmp_path, Weight((7, 5), ("q.weight", "k.weight"), rule="fused"), q_weight=q, k_weight=k)
    assert size == pytest.approx(float(torch.linalg.norm(torch.cat([q, k]).double())))


@pytest.mark.parametrize("count", [2, 3])
def test_each_expert_of_a_stack_has_its_own(tmp_path: Path, count: int) -> None:
    gate, up = torch.randn(count, 4, 5), torch.randn(count, 4, 5)
    wanted = [math.hypot(float(torch.linalg.norm(gate[e])), float(torch.linalg.norm(up[e]))) for e in range(count)]
    stacks = Weight((count, 8, 5), ("experts.gate.proj", "experts.up.proj"), rule="experts stacked")
    assert found(tmp_path, stacks, experts_gate_proj=gate, experts_up_proj=up) == pytest.approx(wanted, rel=1e-6)


def test_experts_that_lie_one_by_one(tmp_path: Path) -> None:
    names = [f"experts_{e}_{leaf}_weight" for leaf in ("gate", "up") for e in range(3)]
    tensors = {name: torch.randn(4, 5) for name in names}
    weight = Weight((3, 8, 5), tuple(name.replace("_", ".") for name in names), rule="experts stacked")
    wanted = [
        float(torch.linalg.norm(torch.cat([tensors[f"experts_{e}_gate_weight"], tensors[f"experts_{e}_up_weight"]])))
        for e in range(3)
    ]
    assert found(tmp_path, weight, **tensors) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    "weight",
    [
        Weight((4, 4), ("q.weight",), storage="gptq"),
        Weight(None, ("q.weight",)),
        Weight((4, 4), ("gone.weight",)),
        Weight((2, 4), ("q.weight",), part="gate_proj of expert 1"),
    ],
)
def test_what_cannot_be_read_has_none(tmp_path: Path, weight: Weight) -> None:
    assert found(tmp_path, weight, q_weight=torch.ones(4, 4)) == []


def test_nan_stays_nan(tmp_path: Path) -> None:
    W = torch.ones(4, 4)
    W[3, 3] = float("nan")
    (size,) = found(tmp_path, Weight((4, 4), ("q.weight",)), q_weight=W)
    assert math.isnan(size)
