"""Methods in the shared space, against their definitions on dense matrices."""

import math

import pytest
import torch

from adapterhub.compose.merging.core import share
from adapterhub.errors import WrongUsage
from tests.compose.merging.builders import dense, distance, exact, matrix, one, regauged, update
from tests.lora.builders import delta


def two(weights=(0.6, 0.4)):
    return [(delta(20, 14, rank, seed=rank), weight) for rank, weight in zip((3, 4), weights, strict=True)]


def test_the_shared_space_loses_nothing_and_is_orthonormal():
    deltas = [delta(20, 14, 3), delta(20, 14, 4, seed=1), regauged(delta(20, 14, 3))]
    space = share(deltas)
    for part, core in zip(deltas, space.cores, strict=True):
        assert distance(space.U @ core @ space.V.T, update(part)) < 1e-6
    assert space.cores.shape == (3, 7, 7)  # the third adds no direction
    assert torch.allclose(space.U.T @ space.U, torch.eye(7).double(), atol=1e-9)
    assert torch.allclose(space.V.T @ space.V, torch.eye(7).double(), atol=1e-9)


def test_svd_is_the_best_cut_of_the_sum():
    S = torch.linalg.svdvals(exact(two()))
    result = one(two(), "svd", rank=2)
    assert result.missed == pytest.approx(float(S[2:].norm()), rel=1e-6)
    assert distance(dense(result), exact(two())) == pytest.approx(float(S[2:].norm() / S.norm()), rel=1e-6)


@pytest.mark.parametrize("t", [0.0001, 0.25, 0.5, 0.9])
def test_slerp_is_shoemakes_formula(t):
    (a, _), (b, _) = two()
    one_, other = update(a), update(b)
    theta = math.acos(float((one_ * other).sum() / one_.norm() / other.norm()))
    wanted = (math.sin((1 - t) * theta) * one_ + math.sin(t * theta) * other) / math.sin(theta)
    assert distance(dense(one([(a, 1 - t), (b, t)], "slerp", rank=14)), wanted) < 1e-6


def test_slerp_of_a_thing_with_itself_is_that_thing():
    part = delta(20, 14, 3)
    assert distance(dense(one([(part, 0.3), (regauged(part), 0.7)], "slerp", rank=14)), update(part)) < 1e-6


def test_slerp_between_two_of_one_length_keeps_the_length():
    a, b = matrix([[3.0, 0.0], [0.0, 0.0]]), matrix([[0.0, 0.0], [0.0, 3.0]])
    assert float(dense(one([(a, 0.5), (b, 0.5)], "slerp")).norm()) == pytest.approx(3.0)


@pytest.mark.parametrize("weights", [(1.0, -0.5), (-1.0, -1.0)])
def test_slerp_takes_no_negative_weight(weights):
    with pytest.raises(WrongUsage, match="slerp"):
        one(two(weights), "slerp")


def test_slerp_between_opposites_has_no_answer():
    with pytest.raises(WrongUsage, match="opposite"):
        one([(matrix([[1.0]]), 0.5), (matrix([[-1.0]]), 0.5)], "slerp")


def test_the_karcher_mean_of_two_is_halfway_on_the_sphere():
    a, b = matrix([[2.0, 0.0]]), matrix([[0.0, 2.0]])
    wanted = torch.tensor([[math.sqrt(2.0), math.sqrt(2.0)]]).double()
    assert torch.allclose(dense(one([(a, 0.5), (b, 0.5)], "karcher")), wanted, atol=1e-6)


def test_the_karcher_mean_is_where_the_weighted_logarithms_cancel():
    parts = [(delta(6, 5, 3, seed=n), weight) for n, weight in enumerate((0.5, 0.3, 0.2))]
    mean = dense(one(parts, "karcher", rank=5)).flatten()
    at, pull = mean / mean.norm(), torch.zeros(30).double()
    for part, weight in parts:
        unit = update(part).flatten() / update(part).norm()
        across = unit - (unit @ at) * at
        pull += weight * torch.atan2(across.norm(), unit @ at) * across / across.norm()
    assert float(pull.norm()) < 1e-6


def test_iso_c_flattens_the_spectrum_of_the_sum():
    P, S, Qt = torch.linalg.svd(exact(two()), full_matrices=False)
    wanted = S[:7].mean() * P[:, :7] @ Qt[:7]
    assert distance(dense(one(two(), "iso_c")), wanted) < 1e-6


def test_iso_c_is_cut_in_the_order_of_the_spectrum_it_had():
    P, S, Qt = torch.linalg.svd(exact(two()), full_matrices=False)
    result = one(two(), "iso_c", rank=2)
    assert distance(dense(result), S[:7].mean() * P[:, :2] @ Qt[:2]) < 1e-6
    assert result.missed / result.wanted == pytest.approx(math.sqrt(5 / 7))


def nearest(columns: torch.Tensor) -> torch.Tensor:
    P, _, Qt = torch.linalg.svd(columns, full_matrices=False)
    return P @ Qt


def test_tsv_makes_the_singular_vectors_of_all_orthogonal():
    triples = [torch.linalg.svd(update(part), full_matrices=False) for part, _ in two()]
    ranks = (3, 4)
    left = nearest(torch.cat([P[:, :r] for (P, _, _), r in zip(triples, ranks, strict=True)], 1))
    right = nearest(torch.cat([Qt[:r] for (_, _, Qt), r in zip(triples, ranks, strict=True)], 0).T)
    values = torch.cat([w * S[:r] for (_, S, _), r, w in zip(triples, ranks, (0.6, 0.4), strict=True)])
    assert distance(dense(one(two(), "tsv", rank=14)), left * values @ right.T) < 1e-6


def test_tsv_of_updates_that_do_not_meet_is_their_sum():
    a, b = matrix([[2.0, 0.0], [0.0, 0.0]]), matrix([[0.0, 0.0], [0.0, 5.0]])
    assert torch.allclose(
        dense(one([(a, 1.0), (b, 1.0)], "tsv", rank=2)), torch.diag(torch.tensor([2.0, 5.0])).double()
    )


def test_knots_votes_on_the_right_vectors_of_the_joint_svd():
    parts = two((1.0, 1.0))
    joint = torch.cat([update(part) for part, _ in parts], 1)
    P, S, Qt = torch.linalg.svd(joint, full_matrices=False)
    aligned = torch.stack(Qt[:7].split(14, dim=1)).float()
    total = aligned.sum(0)
    agree = aligned.sign() == total.sign()
    mean = (aligned * agree).sum(0) / agree.sum(0).clamp_min(1)
    got = dense(one(parts, "knots", rank=14, set={"density": 1.0}))
    assert distance(got, P[:, :7] * S[:7] @ mean.double()) < 1e-5


def test_core_methods_with_all_elements_kept_are_the_plain_ones():
    parts = two((0.6, -0.4))
    assert distance(dense(one(parts, "core_dare", rank=14, set={"density": 1.0})), exact(parts)) < 1e-6
