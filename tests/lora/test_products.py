"""Products of factors equal the products of the matrices, at the rank that is promised."""

import pytest
import torch

from adapterhub.lora.products import Pair, dense, hadamard, kronecker, thinnest, tucker


def pair(out, into, rank, seed=0):
    random = torch.Generator().manual_seed(seed)
    draw = {"generator": random, "dtype": torch.float64}
    return Pair(torch.randn(out, rank, **draw), torch.randn(rank, into, **draw))


def whole(one):
    return one.B @ one.A


@pytest.mark.parametrize(("rank", "wanted"), [((2, 3), 6), ((3, 3), 7), ((4, 2), 7)])
def test_the_hadamard_product_has_the_rank_of_both_until_a_matrix_has_less(rank, wanted):
    one, two = pair(7, 9, rank[0]), pair(7, 9, rank[1], seed=1)
    product = hadamard(one, two)
    assert torch.allclose(whole(product), whole(one) * whole(two))
    assert product.A.shape[0] == wanted


@pytest.mark.parametrize("ranks", [(1, 2), (3, 2), (9, 1), (5, 8)])
def test_the_kronecker_product_is_never_thicker_than_the_matrix(ranks):
    one, two = pair(3, 4, ranks[0]), pair(5, 2, ranks[1], seed=1)
    product = kronecker(one, two)
    assert torch.allclose(whole(product), torch.kron(whole(one), whole(two)))
    assert product.A.shape[0] == min(ranks[0], 3) * min(ranks[1], 2)


def test_a_core_and_its_factors_are_a_kernel():
    random = torch.Generator().manual_seed(0)
    core, first, second = (torch.randn(s, generator=random) for s in ((2, 2, 3, 4), (2, 5), (2, 6)))
    kernel = torch.einsum("ijkl,ip,jx->pxkl", core, first, second)
    assert torch.allclose(whole(tucker(core, first, second)), kernel.flatten(1), atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_a_dense_matrix_is_a_pair_of_its_shorter_side(shape):
    matrix = torch.randn(shape)
    assert torch.equal(whole(dense(matrix)), matrix)
    assert dense(matrix).A.shape[0] == min(shape)


def test_only_a_pair_that_is_too_thick_is_multiplied_out():
    thin, thick = pair(4, 5, 3), pair(4, 5, 4)
    assert thinnest(thin) is thin
    assert torch.allclose(whole(thinnest(thick)), whole(thick))
    assert thinnest(thick).A.shape == (4, 5)
