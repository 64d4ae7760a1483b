"""The lengths of the rows of W + ΔW, from blocks of W."""

import pytest
import torch

from adapterhub.lora.delta import Delta
from adapterhub.lora.dora import Block, lengths, stretch
from tests.lora.builders import delta

W = torch.randn(7, 5, generator=torch.Generator().manual_seed(4)).double()
LOW = Delta(*(factor.double() for factor in (delta(7, 5).A, delta(7, 5).B)), 0.5)
BLOCKS = {
    "whole": [Block(0, 0, W)],
    "rows": [Block(0, 0, W[:3]), Block(3, 0, W[3:])],
    "columns": [Block(0, 2, W.T[2:].T), Block(0, 0, W.T[:2].T)],
    "both": [Block(row, column, W[row : row + 4, column : column + 2]) for row in (0, 4) for column in (4, 2, 0)],
}


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_blocks_are_measured_as_the_whole_is(blocks):
    wanted = (W + LOW.dense()).norm(dim=1)
    assert torch.allclose(lengths(blocks, LOW), wanted, rtol=1e-12)
    m = torch.rand(7, 1)
    assert torch.allclose(stretch(blocks, LOW, m), m.flatten() / wanted, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_row_of_length_zero_stays_zero(dtype):
    dead, B = W.to(dtype), LOW.B.clone()
    dead[2], B[2] = 0, 0
    c = stretch([Block(0, 0, dead)], Delta(LOW.A, B, 0.5), torch.ones(7))
    assert c[2] == 0
    assert (c[[0, 1, 3, 4, 5, 6]] > 0).all()
    assert c.dtype == torch.float64
