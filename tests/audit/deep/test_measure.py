"""Sizes, ranks and directions are those of the dense matrices, and no value makes the measuring fail."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.audit.deep import measure as measuring
from adapterhub.audit.deep.measure import measure, unmeasured
from adapterhub.audit.deep.values import Update
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta
from tests.audit.comparing.judge import adapter, dense

SHAPES = {"h.0.q": (12, 9), "h.0.v": (7, 9)}


def one(delta: Delta) -> Update:
    (found,) = measure(Adapter({"h.0.q": delta}))
    return found


@given(rank=st.integers(1, 14), seed=st.integers(0, 99), scale=st.sampled_from([0.5, -2.0, 1e-20]))
def test_numbers_are_those_of_the_dense_matrix(rank: int, seed: int, scale: float) -> None:
    made = adapter(SHAPES, rank, seed, scale)
    for update in measure(made):
        S = np.linalg.svd(dense(made)[update.module], compute_uv=False)
        S = S[1e-13 * S[0] < S]
        shares = S / S.sum()
        assert update.rank == rank
        assert update.norm == pytest.approx(np.linalg.norm(S), rel=1e-9)
        assert update.effective_rank == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), abs=1e-3)
        energy = (S**2).cumsum() / (S**2).sum()
        assert update.directions == int((energy < 0.99).sum()) + 1


def test_equal_directions_all_count_and_one_counts_alone() -> None:
    eye = torch.eye(4)
    assert one(Delta(eye, eye)).effective_rank == 4
    lone = one(Delta(torch.ones(4, 5), torch.ones(6, 4)))
    assert (lone.rank, lone.effective_rank, lone.directions) == (4, 1, 1)


@pytest.mark.parametrize(
    "delta",
    [
        Delta(torch.ones(2, 5), torch.zeros(6, 2)),
        Delta(torch.zeros(2, 5), torch.ones(6, 2)),
        Delta(torch.ones(2, 5), torch.ones(6, 2), 0.0),
        Delta(torch.tensor([[1.0, 1.0], [1.0, 1.0]]), torch.tensor([[1.0, -1.0]])),
    ],
)
def test_an_update_whose_product_is_zero_has_no_size(delta: Delta) -> None:
    found = one(delta)
    assert (found.norm, found.effective_rank, found.directions) == (0, 0, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("factor", ["A", "B"])
def test_what_is_no_number_is_not_measured(factor: str, value: float) -> None:
    tensors = {"A": torch.ones(2, 5), "B": torch.ones(6, 2)}
    tensors[factor][0, 0] = value
    delta = Delta(tensors["A"], tensors["B"])
    assert one(delta).norm is None
    assert list(unmeasured(Adapter({"q": delta}), [one(delta).model_copy(update={"module": "q"})])) == [
        "updates that are no number, or too large for one, at q"
    ]


def test_squares_too_large_or_too_small_for_a_double_do_no_harm() -> None:
    big = torch.full((2, 5), 1e170, dtype=torch.float64)
    assert one(Delta(big, torch.ones(6, 2, dtype=torch.float64))).norm == pytest.approx(2e170 * math.sqrt(30))
    assert one(Delta(big, torch.full((6, 2), 1e170, dtype=torch.float64))).norm is None
    assert one(Delta(big * 1e-340, torch.ones(6, 2, dtype=torch.float64))).norm == pytest.approx(2e-170 * math.sqrt(30))


def test_what_is_as_large_as_a_weight_and_what_is_too_wide_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST", 2)
    made = Adapter({"q": Delta(torch.ones(3, 5), torch.ones(6, 3)), "v": Delta(torch.ones(1, 5), torch.ones(6, 1))})
    made.deltas["k"] = Delta(torch.ones(1, 9), torch.ones(6, 1), loose=True)
    found = list(measure(made))
    assert [update.norm is None for update in found] == [True, False, True]
    assert list(unmeasured(made, found)) == [
        "updates of a rank above 2 at q",
        "updates of factors that are wider than the weight, as VeRA's are, at k",
    ]
