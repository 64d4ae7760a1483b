"""What a plan of a fuse says of its cost."""

import pytest
import torch

from adapterhub.compose.checkpoints.cost import cost
from adapterhub.compose.checkpoints.fuse_plan import plan_fuse
from adapterhub.lora.adapter import Adapter
from tests.compose.checkpoints.builders import checkpoint, delta, normal, one

FACTORS = Adapter({"q": delta(60, 50, 3), "k": delta(60, 50, 2)})
DORA = Adapter({"q": delta(60, 50, 3)}, magnitudes={"q": torch.ones(60)})


def plan_of(folder, *adapters, dtype=torch.float32, **tensors):
    """A fuse of these adapters, and of whatever the base holds besides."""
    weights = {"q.weight": normal(60, 50, dtype=dtype), "k.weight": normal(60, 50, dtype=dtype), **tensors}
    parts = [one(adapter, 0.5, f"part {number}") for number, adapter in enumerate(adapters)]
    return plan_fuse(parts, checkpoint(folder / "base", weights), recipe={})


@pytest.mark.parametrize(
    ("adapters", "ranks"), [((FACTORS,), 5), ((FACTORS, FACTORS), 10), ((DORA,), 2 * 3), ((FACTORS, DORA), 5 + 2 * 3)]
)
def test_each_rank_is_two_operations_a_number_and_four_where_rows_are_measured(tmp_path, adapters, ranks):
    assert cost(plan_of(tmp_path, *adapters)).flops == 2 * 60 * 50 * ranks


def test_all_files_are_read_and_written_and_memory_does_not_grow_with_the_base(tmp_path):
    small, large = plan_of(tmp_path / "a", FACTORS), plan_of(tmp_path / "b", FACTORS, other=normal(1000, 100))
    for plan in (small, large):
        size = sum(file.stat().st_size for file in plan.base.folder.iterdir())
        assert (cost(plan).reads, cost(plan).writes) == (size, size)
    assert cost(large).reads > cost(small).reads + 400_000
    assert cost(large).memory == cost(small).memory > 4 * (60 + 50) * 5


@pytest.mark.parametrize(
    ("dtype", "rounding"), [(torch.float64, 2**-53), (torch.float32, 2**-24), (torch.bfloat16, 2**-8)]
)
def test_the_rounding_is_that_of_what_is_stored(tmp_path, dtype, rounding):
    assert cost(plan_of(tmp_path, FACTORS, dtype=dtype)).rounding == rounding
