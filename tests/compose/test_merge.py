"""The weighted sum is exact, whatever the ranks, targets and factorisations."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.compose.merge import weighted_sum
from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.lora.delta import Delta
from tests.lora.builders import delta


def exact(parts, module="m"):
    """Σ wᵢ·sᵢ·Bᵢ·Aᵢ in float64, dense."""
    return sum(
        weight * delta.scale * delta.B.double() @ delta.A.double()
        for deltas, weight in parts
        if (delta := deltas.get(module)) is not None
    )


def dense(merged, module="m"):
    A, B = merged.factors[module]
    return torch.from_numpy(B).double() @ torch.from_numpy(A).double()


def distance(got, wanted):
    return float(torch.linalg.norm(wanted - got))


weights = st.floats(-4, 4, allow_subnormal=False).filter(lambda weight: weight == 0 or abs(weight) > 1e-6)
operands = st.lists(st.tuples(weights, st.integers(1, 9), st.floats(0.01, 64)), min_size=1, max_size=4)


@given(operands)
def test_the_sum_is_that_of_dense_float64(drawn):
    parts = [({"m": delta(7, 5, rank, seed=n, scale=scale)}, weight) for n, (weight, rank, scale) in enumerate(drawn)]
    if not any(weight for weight, _, _ in drawn):
        return
    merged, wanted = weighted_sum(parts), exact(parts)
    reach = sum(float(torch.linalg.norm(exact([part]))) for part in parts)
    assert distance(dense(merged), wanted) <= 1e-6 * reach


@given(operands)
def test_the_told_error_is_the_measured_one(drawn):
    parts = [({"m": delta(7, 5, rank, seed=n, scale=scale)}, weight) for n, (weight, rank, scale) in enumerate(drawn)]
    if not any(weight for weight, _, _ in drawn):
        return
    merged, wanted = weighted_sum(parts), exact(parts)
    measured = distance(dense(merged), wanted) / float(torch.linalg.norm(wanted))
    assert merged.relative_error == pytest.approx(measured, rel=1e-3, abs=1e-14)
    assert merged.relative_error < 1e-6


@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_the_sum_does_not_depend_on_the_factorisation(seed, stretch):
    one, other = delta(seed=seed), delta(rank=3, seed=seed + 1)
    change = torch.randn(2, 2, generator=torch.Generator().manual_seed(seed)) + stretch * 4 * torch.eye(2)
    turned = Delta(change @ one.A, one.B @ torch.linalg.inv(change), one.scale)
    first, second = (weighted_sum([({"m": part}, 0.6), ({"m": other}, 0.4)]) for part in (one, turned))
    assert distance(dense(first), dense(second)) < 1e-4


def test_ranks_add_up_and_targets_unite():
    parts = [({"m": delta(rank=2), "n": delta(rank=2)}, 0.5), ({"m": delta(rank=3, seed=1)}, -1.0)]
    merged = weighted_sum(parts)
    assert list(merged.factors) == ["m", "n"]
    assert merged.factors["m"][0].shape == (5, 5)
    assert merged.factors["m"][1].shape == (6, 5)
    assert torch.allclose(dense(merged), exact(parts), atol=1e-6)
    assert torch.allclose(dense(merged, "n"), exact(parts, "n"), atol=1e-6)


def test_one_adapter_at_weight_one_is_itself():
    one = delta(scale=4.0)
    merged = weighted_sum([({"m": one}, 1.0)])
    A, B = merged.factors["m"]
    assert np.array_equal(A, one.A.numpy())
    assert np.array_equal(B, 4 * one.B.numpy())
    assert merged.relative_error == 0.0


def test_a_hand_worked_sum():
    one = Delta(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0], [2.0]]), 2.0)
    other = Delta(torch.tensor([[0.0, 1.0]]), torch.tensor([[3.0], [0.0]]))
    merged = weighted_sum([({"m": one}, 0.5), ({"m": other}, -1.0)])
    assert dense(merged).tolist() == [[1.0, -3.0], [2.0, 0.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_precision_is_summed_in_float64_and_written_in_fp32(dtype):
    one = delta(scale=0.3)
    parts = [({"m": Delta(one.A.to(dtype), one.B.to(dtype), one.scale)}, 0.7)]
    if dtype == torch.float64:
        parts = [({"m": Delta(one.A.double() + 1e-12, one.B.double() + 1e-12, one.scale)}, 0.7)]
    merged = weighted_sum(parts)
    assert merged.factors["m"][0].dtype == np.float32
    assert distance(dense(merged), exact(parts)) <= 1e-7 * float(torch.linalg.norm(exact(parts)))
    assert 0 < merged.relative_error < 1e-7


def test_what_cancels_is_zero_and_has_no_error():
    merged = weighted_sum([({"m": delta()}, 0.7), ({"m": delta()}, -0.7)])
    assert float(torch.linalg.norm(dense(merged))) < 1e-6
    assert merged.relative_error == 0.0


def test_the_same_input_gives_the_same_bytes():
    parts = [({"m": delta(64, 48, 8), "n": delta()}, 0.3), ({"m": delta(64, 48, 4, seed=1)}, 0.7)]
    one, two = weighted_sum(parts), weighted_sum(parts)
    for module in one.factors:
        assert [f.tobytes() for f in one.factors[module]] == [f.tobytes() for f in two.factors[module]]


def test_an_adapter_of_weight_zero_leaves_no_trace_even_if_it_is_broken():
    broken = Delta(torch.full((1, 5), math.nan), torch.ones(6, 1))
    merged = weighted_sum([({"m": delta()}, 1.0), ({"m": broken, "n": broken}, 0.0)])
    assert list(merged.factors) == ["m"]
    assert np.isfinite(merged.factors["m"][0]).all()


@pytest.mark.parametrize("parts", [[], [({"m": delta()}, 0.0)], [({"m": delta()}, 0.0), ({}, -0.0)]])
def test_nothing_to_merge_is_wrong_usage(parts):
    with pytest.raises(WrongUsage, match="nothing to merge"):
        weighted_sum(parts)


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_a_weight_is_finite(weight):
    with pytest.raises(WrongUsage, match="weight of adapter 2"):
        weighted_sum([({"m": delta()}, 1.0), ({"m": delta()}, weight)])


def test_shapes_that_differ_do_not_fit_and_are_all_named():
    small = {f"layers.{n}.q": delta() for n in range(3)}
    large = {f"layers.{n}.q": delta(8, 5) for n in range(3)}
    with pytest.raises(DoesNotFit, match=r"layers.0-2.q: layers.0.q is 6×5 in one, 8×5 in another"):
        weighted_sum([(small, 1.0), (large, 1.0)])


@pytest.mark.parametrize("size", [1e-30, 1e-18, 1.0, 1e18, 1e30])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_the_error_does_not_depend_on_the_size_of_the_weights(size, kind):
    ones = [delta(7, 5, 3, seed=n, scale=0.3) for n in range(2)]
    parts = [({"m": Delta(one.A.to(kind), one.B.to(kind), one.scale)}, 0.7 * size) for one in ones]
    merged, wanted = weighted_sum(parts), exact(parts) / size
    A, B = merged.factors["m"]
    got = torch.from_numpy(B).double() / size @ torch.from_numpy(A).double()
    measured = distance(got, wanted) / float(torch.linalg.norm(wanted))
    assert merged.relative_error == pytest.approx(measured, rel=1e-3)
    assert 1e-9 < merged.relative_error < 1e-6


def test_the_error_of_tiny_float64_factors_is_told_too():
    one = delta(7, 5, 3)
    tiny = Delta(one.A.double() * 1e-30, one.B.double() * 1e-300, 0.3)
    big = weighted_sum([({"m": Delta(one.A.double(), one.B.double(), 0.3)}, 1.0)])
    assert weighted_sum([({"m": tiny}, 1e290)]).relative_error == pytest.approx(big.relative_error, rel=1)


def test_what_fp32_holds_in_part_has_an_error_to_match():
    merged = weighted_sum([({"m": delta()}, 1e-44)])
    assert 0.01 < merged.relative_error < 1


@pytest.mark.parametrize("weight", [1e-50, 1e-300, -1e-300, 5e-324])
def test_a_sum_of_which_nothing_is_left_is_refused(weight):
    with pytest.raises(Refused, match=r"nothing is left of the sum: .*, the largest weight is [0-9.]+e-") as refusal:
        weighted_sum([({"m": delta(), "n": delta(scale=1e-9)}, weight), ({"m": delta(seed=1)}, weight / 2)])
    assert refusal.value.hint


def test_what_was_zero_before_may_be_zero_after():
    untrained = Delta(torch.ones(2, 5), torch.zeros(6, 2))
    merged = weighted_sum([({"m": untrained}, 0.5)])
    assert not merged.factors["m"][1].any()
    assert merged.relative_error == 0.0


@pytest.mark.parametrize(("value", "weight"), [(math.nan, 1.0), (math.inf, 1.0), (1e30, 1e30), (1.0, 1.7e308)])
def test_what_fp32_cannot_hold_is_refused(value, weight):
    with pytest.raises(Refused, match="layer"):
        weighted_sum([({"layer": Delta(torch.ones(1, 5), torch.full((6, 1), value))}, weight)])


def test_the_arguments_are_left_alone():
    one = delta()
    before = one.A.clone(), one.B.clone()
    A, B = weighted_sum([({"m": one}, 1.0)]).factors["m"]
    A += 1
    B += 1
    assert torch.equal(one.A, before[0])
    assert torch.equal(one.B, before[1])
