"""A merge does what dense float64 algebra says, tells its error, and never depends on how an update is factored."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.compose.methods import METHODS
from adapterhub.errors import Refused
from adapterhub.lora.delta import Delta
from tests.compose.merging.builders import dense, distance, error, exact, merged, one, regauged, update
from tests.lora.builders import delta

weights = st.floats(-4, 4, allow_subnormal=False).filter(lambda weight: abs(weight) > 1e-6)
operands = st.lists(st.tuples(weights, st.integers(1, 9), st.floats(0.01, 64)), min_size=1, max_size=4)


@given(operands)
def test_the_sum_and_its_error_are_those_of_dense_float64(drawn):
    parts = [(delta(7, 5, rank, seed=n, scale=scale), weight) for n, (weight, rank, scale) in enumerate(drawn)]
    result, wanted = one(parts), exact(parts)
    reach = sum(abs(weight) * float(torch.linalg.norm(update(part))) for part, weight in parts)
    missed = float(torch.linalg.norm(dense(result) - wanted))
    assert missed <= 1e-6 * reach
    assert result.missed == pytest.approx(missed, rel=1e-3, abs=1e-12 * reach)


def test_ranks_add_up_and_targets_unite():
    both, only = (delta(rank=2), 0.5), (delta(rank=3, seed=1), -1.0)
    results = merged([({"m": both[0], "n": both[0]}, 0.5), ({"m": only[0]}, -1.0)])
    assert {module: result.A.shape[0] for module, result in results.items()} == {"m": 5, "n": 2}
    assert distance(dense(results["m"]), exact([both, only])) < 1e-6
    assert distance(dense(results["n"]), exact([both])) < 1e-6


def test_one_adapter_at_weight_one_is_itself():
    alone = delta(scale=4.0)
    result = one([(alone, 1.0)])
    assert torch.equal(result.A, alone.A)
    assert torch.equal(result.B, 4 * alone.B)
    assert result.missed == 0.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_precision_is_computed_in_float64_and_rounded_once(dtype):
    part = delta(scale=0.3)
    part = Delta(part.A.to(dtype) + 1e-12, part.B.to(dtype) + 1e-12, 0.3)
    result = one([(part, 0.7)])
    assert result.A.dtype == result.B.dtype == torch.float32
    assert 0 < distance(dense(result), exact([(part, 0.7)])) < 1e-7
    assert 0 < result.missed < 1e-7 * result.wanted


def test_what_cancels_is_zero_and_has_no_error():
    results = merged([({"m": delta()}, 0.7), ({"m": delta()}, -0.7)])
    assert float(torch.linalg.norm(dense(results["m"]))) < 1e-6
    assert error(results) == 0.0


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-30, 1e30, 1e150])
def test_weights_of_any_size_give_a_right_result_or_a_refusal(scale):
    parts = [(delta(scale=0.7), 0.3 * scale), (delta(seed=1, scale=0.7), scale)]
    if 1e-38 < scale < 1e38:
        result = one(parts)
        assert distance(dense(result), exact(parts)) < 1e-6
        assert 0 < result.missed < 1e-6 * result.wanted
    else:
        with pytest.raises(Refused, match="fp32"):
            one(parts)


def test_an_adapter_of_weight_zero_leaves_no_trace_even_if_it_is_broken():
    broken = Delta(torch.full((1, 5), math.nan), torch.ones(6, 1))
    results = merged([({"m": delta()}, 1.0), ({"m": broken, "n": broken}, 0.0)])
    assert list(results) == ["m"]
    assert torch.isfinite(results["m"].A).all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("method", METHODS)
def test_a_broken_adapter_is_refused_whatever_the_method(method, value):
    broken = Delta(torch.ones(1, 5), torch.full((6, 1), value))
    with pytest.raises(Refused, match="m: "):
        one([(broken, 0.5), (delta(), 0.5)], method)


@pytest.mark.parametrize("stretched", [6.0, 1e3])
@pytest.mark.parametrize("method", METHODS)
def test_no_method_depends_on_how_an_update_is_factored(method, stretched):
    first, second = delta(48, 40, 4), delta(48, 40, 6, seed=1)
    others = second, regauged(second, stretched=stretched)
    a, b = (dense(one([(first, 0.6), (other, 0.4)], method, rank=8)) for other in others)
    assert distance(a, b) < 1e-6 * stretched + 1e-4


@pytest.mark.parametrize("method", ["sum", "svd"])
@pytest.mark.parametrize("apart", [1e-2, 1e-4, 1e-6])
def test_the_difference_of_two_that_are_nearly_the_same_is_cut_rightly(method, apart):
    first = delta(60, 50, 16)
    near = Delta(first.A + apart * torch.randn(16, 50), first.B + apart * torch.randn(60, 16), first.scale)
    wanted = exact([(first, 1.0), (near, -1.0)])
    S = torch.linalg.svdvals(wanted)
    result = one([(first, 1.0), (near, -1.0)], method, rank=16)
    missed = float(torch.linalg.norm(dense(result) - wanted))
    assert missed == pytest.approx(float(S[16:].norm()), rel=1e-3)
    assert result.missed == pytest.approx(missed, rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("method", ["sum", "svd"])
def test_columns_that_are_nearly_parallel_lose_nothing(method, dtype):
    first = delta(60, 50, 4)
    A = first.A.to(dtype)
    A[1] = A[0] + 1e-5 * A[1]
    part = Delta(A, first.B.to(dtype), 1.0)
    other = Delta(A.clone(), first.B.to(dtype) + 0.0, 1.0)
    other.A[2] += 1e-4
    parts = [(part, 1.0), (other, -1.0)]
    result = one(parts, method, rank=8)
    missed = float(torch.linalg.norm(dense(result) - exact(parts)))
    assert missed <= 2 * result.missed + 1e-6 * result.wanted


def test_an_adapter_a_million_times_larger_hides_no_other():
    large, small = delta(40, 30, 4, scale=1e7), delta(40, 30, 4, seed=1)
    wanted = exact([(large, 1e-7), (small, 1.0)])
    for method in ("sum", "svd", "tsv"):
        assert distance(dense(one([(large, 1e-7), (small, 1.0)], method, rank=30)), wanted) < (
            2 if method == "tsv" else 1e-6
        )
    cut = one([(large, 1e-7), (small, 1.0)], "knots", rank=30, set={"density": 1.0})
    assert float(torch.linalg.norm(dense(cut))) > 0.1 * float(torch.linalg.norm(update(small)))


@pytest.mark.parametrize("method", METHODS)
def test_the_same_input_and_seed_give_the_same_bytes(method):
    parts = [(delta(300, 48, 8), 0.3), (delta(300, 48, 4, seed=1), 0.7)]
    first, second = (one(parts, method, seed=3) for _ in range(2))
    assert torch.equal(first.A, second.A)
    assert torch.equal(first.B, second.B)


@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if not row.seeded])
def test_a_seed_changes_no_byte_of_a_method_that_has_none(method):
    parts = [(delta(400, 390, 2), 0.5), (delta(400, 390, 2, seed=1), 0.5)]
    first, second = (one(parts, method, seed=seed) for seed in (1, 2))
    assert torch.equal(first.A, second.A)
    assert torch.equal(first.B, second.B)


@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if "drop" in row.function])
def test_another_seed_drops_other_elements(method):
    parts = [(delta(30, 20, 4), 0.5), (delta(30, 20, 4, seed=1), 0.5)]
    assert distance(dense(one(parts, method, seed=1)), dense(one(parts, method, seed=2))) > 0.01


@pytest.mark.parametrize("method", METHODS)
def test_untrained_adapters_merge_into_nothing(method):
    zero = Delta(torch.randn(2, 5), torch.zeros(6, 2))
    result = one([(zero, 0.5), (zero, 0.5)], method)
    assert not result.B.any()
    assert (result.wanted, result.missed) == (0.0, 0.0)


@pytest.mark.parametrize("method", METHODS)
def test_an_untrained_adapter_among_others_is_harmless(method):
    zero = Delta(torch.randn(2, 5), torch.zeros(6, 2))
    assert torch.isfinite(dense(one([(zero, 0.5), (delta(), 0.5)], method))).all()


@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if row.seen != "updates"])
def test_the_told_error_is_what_the_cut_leaves_out(method):
    parts = [(delta(20, 16, 4), 0.6), (delta(20, 16, 4, seed=1), 0.4)]
    whole, cut = one(parts, method, rank=16), one(parts, method, rank=3)
    missed = float(torch.linalg.norm(dense(whole) - dense(cut)))
    assert cut.missed == pytest.approx(missed, rel=1e-5)
    assert cut.wanted == pytest.approx(float(torch.linalg.norm(dense(whole))), rel=1e-5)


def test_an_energy_decides_the_rank_of_each_module():
    flat, steep = torch.eye(6)[:4], torch.diag(torch.tensor([8.0, 1, 1, 1]))
    deltas = {"flat": Delta(flat, flat.T.clone()), "steep": Delta(steep @ flat, flat.T.clone())}
    results = merged([(deltas, 1.0)], energy=0.9)
    assert {module: result.A.shape[0] for module, result in results.items()} == {"flat": 4, "steep": 1}


def test_the_arguments_are_left_alone():
    alone = delta()
    before = alone.A.clone(), alone.B.clone()
    result = one([(alone, 1.0)])
    result.A.add_(1)
    result.B.add_(1)
    assert torch.equal(alone.A, before[0])
    assert torch.equal(alone.B, before[1])
