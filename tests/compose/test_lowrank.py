"""Cuts are the best there are, and say exactly what they leave out."""

import pytest
import torch

from adapterhub.compose import lowrank
from adapterhub.compose.lowrank import Limit, cut_factors, cut_matrix
from adapterhub.lora.thin import core, thin


def falling(out: int, into: int, power: float = 1.0) -> torch.Tensor:
    """A matrix whose n-th singular value is n to the minus power."""
    size = min(out, into)
    P, Q = (torch.linalg.qr(torch.randn(side, size, dtype=torch.float64)).Q for side in (out, into))
    return P * torch.arange(1, size + 1, dtype=torch.float64) ** -power @ Q.T


def test_a_cut_of_factors_is_that_of_the_dense_product():
    B, A = torch.randn(30, 9), torch.randn(9, 20)
    S = torch.linalg.svdvals(B.double() @ A.double())
    kept = cut_factors(B.double(), A.double(), Limit(4))
    assert kept.missed == pytest.approx(float((S[4:] ** 2).sum()), rel=1e-9)
    assert float(torch.linalg.norm(B.double() @ A.double() - kept.B @ kept.A) ** 2) == pytest.approx(
        kept.missed, rel=1e-6
    )


@pytest.mark.parametrize("scales", [(1e-8, 1e8), (1e8, 1e-8)])
def test_factors_of_very_different_size_lose_nothing(scales):
    B, A = torch.randn(30, 4).double(), torch.randn(4, 20).double()
    B = torch.cat([B[:, :2] * scales[0], B[:, 2:]], 1)
    A = torch.cat([A[:2] / scales[0] * scales[1] * scales[0], A[2:]], 0)
    kept = cut_factors(B, A, Limit(4))
    for slot in (slice(0, 2), slice(2, 4)):  # the small part too, within the rounding of the whole
        assert float(torch.linalg.norm(B @ A - kept.B @ kept.A)) < 1e-12 * float(
            torch.linalg.norm(B[:, slot] @ A[slot]) + torch.linalg.norm(B @ A)
        )


@pytest.mark.parametrize(("energy", "rank"), [(1.0, 6), (0.99999, 6), (0.5, 1), (0.9, 3)])
def test_an_energy_is_reached_with_the_fewest(energy, rank):
    matrix = torch.diag(torch.tensor([4.0, 3, 2, 1, 1, 1]))
    assert cut_matrix(matrix, Limit(energy=energy)).A.shape[0] == rank


def test_a_rank_beyond_the_matrix_is_the_matrix():
    matrix = torch.randn(4, 6)
    kept = cut_matrix(matrix, Limit(50))
    assert kept.A.shape == (4, 6)
    assert torch.allclose(kept.B @ kept.A, matrix.double())


@pytest.mark.parametrize("power", [0.2, 1.0])
def test_a_sketch_is_within_a_hundredth_of_the_best(power):
    matrix = falling(700, 500, power).float()
    assert min(matrix.shape) > lowrank.EXACT
    S = torch.linalg.svdvals(matrix.double())
    kept = cut_matrix(matrix, Limit(16))
    missed = float(torch.linalg.norm(matrix.double() - kept.B @ kept.A) ** 2)
    assert missed <= 1.01 * float((S[16:] ** 2).sum())
    assert kept.missed == pytest.approx(missed, rel=1e-5)


def test_a_sketch_grows_until_the_energy_is_there():
    matrix = falling(700, 500, 0.5).float()
    S = torch.linalg.svdvals(matrix.double()) ** 2
    kept = cut_matrix(matrix, Limit(energy=0.9))
    best = int((S.cumsum(0) < 0.9 * S.sum()).sum()) + 1
    assert best <= kept.A.shape[0] <= best + 3
    assert 1 - kept.missed / kept.wanted >= 0.9


def test_thin_columns_are_orthonormal_and_give_the_matrix_back():
    tall = torch.randn(50, 6).double() * torch.tensor([1e-9, 1, 1e9, 1, 1, 1]).double()
    T, R = thin(torch.cat([tall, tall[:, 1:3], torch.zeros(50, 1)], 1))
    assert R.shape == (6, 9)
    Q = torch.cat([tall, tall[:, 1:3], torch.zeros(50, 1)], 1) @ T
    assert torch.allclose(Q.T @ Q, torch.eye(6).double(), atol=1e-8)
    assert torch.allclose((Q @ R)[:, 0], tall[:, 0], rtol=1e-6, atol=1e-16)


def test_the_core_of_nothing_is_nothing():
    assert torch.linalg.norm(core(torch.zeros(5, 2), torch.randn(2, 4))) == 0


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(4, 0.5), "one of them decides"),
        (Limit(0), "the rank is 0"),
        (Limit(energy=1.5), "the energy is 1.5"),
        (Limit(energy=0.0), "the energy is 0.0"),
    ],
)
def test_a_limit_says_what_makes_no_sense_in_it(limit, words):
    assert words in " ".join(limit.faults())
    assert not [*Limit(4).faults(), *Limit(energy=1.0).faults(), *Limit().faults()]
