"""What plain averaging of both factors of workers loses."""

import math

import pytest
import torch

from adapterhub.train.gap import gap


def workers(count=3, modules=2, *, out=7, into=5, rank=2, shared=False, dtype=torch.float32):
    """Factors (A, B) of each module at each worker."""
    random = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64).to(dtype)

    As = [draw(rank, into) for _ in range(modules)]
    return [[(A if shared else draw(rank, into), draw(out, rank)) for A in As] for _ in range(count)]


def dense_gap(some):
    """The same with every product made."""
    lost = kept = 0.0
    for modules in zip(*some, strict=True):
        A, B = (torch.stack([pair[side].double() for pair in modules]) for side in (0, 1))
        wanted = (B @ A).mean(0)
        lost += float((B.mean(0) @ A.mean(0) - wanted).square().sum())
        kept += float(wanted.square().sum())
    return math.sqrt(lost / kept)


def test_the_gap_is_that_of_the_products():
    some = workers()
    assert gap(some) == pytest.approx(dense_gap(some), rel=1e-9)
    assert gap(some) > 0.3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("count", [2, 3, 7])
def test_the_gap_is_exactly_nothing_where_all_share_one_a(dtype, count):
    assert gap(workers(count, shared=True, dtype=dtype)) == 0.0


def test_a_small_gap_keeps_its_digits():
    base = workers(1, modules=1)[0][0]
    near = [[(base[0] + 1e-4 * n, base[1] * (1 + 1e-4 * n))] for n in range(3)]
    assert gap(near) == pytest.approx(dense_gap(near), rel=1e-5)
    assert 0 < gap(near) < 1e-6


def test_the_gap_of_a_large_module_makes_no_product_of_its_size():
    some = workers(2, modules=1, out=200_000, into=200_000, rank=2)  # 320 GB as a matrix
    assert 0 < gap(some) < math.inf


def test_one_worker_has_no_gap_and_neither_has_work_that_is_nothing():
    assert gap(workers(1)) == 0.0
    assert gap([[(torch.ones(2, 3), torch.zeros(4, 2))]] * 2) == 0.0


def test_factors_of_convolutions_are_flat():
    random = torch.Generator().manual_seed(0)
    kernels = [
        [(torch.randn(2, 3, 3, 3, generator=random), torch.randn(5, 2, 1, 1, generator=random))] for _ in range(2)
    ]
    flat = [[(A.flatten(1), B.flatten(1)) for A, B in modules] for modules in kernels]
    assert gap(kernels) == gap(flat)
