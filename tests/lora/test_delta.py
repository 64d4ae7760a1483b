"""A weight change in factors."""

import pytest
import torch

from adapterhub.errors import DoesNotFit
from adapterhub.lora.delta import Delta
from tests.lora.builders import delta


def test_the_dense_change_is_scale_times_b_times_a():
    one = delta(scale=1.5)
    assert torch.equal(one.dense(), 1.5 * (one.B @ one.A))
    assert one.shape == (6, 5)
    assert one.rank == 2


def test_the_norm_needs_no_dense_matrix():
    one = delta(40, 30, 7, scale=-3.0)
    assert one.norm() == pytest.approx(float(torch.linalg.norm(one.dense().double())), rel=1e-6)


def test_half_precision_is_multiplied_in_fp32():
    one = delta()
    half = Delta(one.A.bfloat16(), one.B.bfloat16())
    assert half.dense().dtype == torch.float32
    assert torch.equal(half.dense(), half.B.float() @ half.A.float())


@pytest.mark.parametrize("shapes", [((2, 5), (6, 3)), ((2, 5, 1), (6, 2)), ((0, 5), (6, 0))])
def test_factors_without_a_product_are_no_delta(shapes):
    with pytest.raises(DoesNotFit, match="no product"):
        Delta(torch.zeros(shapes[0]), torch.zeros(shapes[1]))
