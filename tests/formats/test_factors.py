"""Pairs of factors: when they fit, what rank they have, and how their modules are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.formats import factors
from adapterhub.formats.header import TensorInfo


def tensor(*shape: int) -> TensorInfo:
    return TensorInfo("t", "F32", shape, 0, 0)


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 64))
def test_a_pair_that_can_be_multiplied_fits_and_has_its_rank(rank, into, out):
    pair = factors.Pair("q", tensor(rank, into), tensor(out, rank))
    assert pair.fits
    assert factors.ranks_of([pair]) == {"q": rank}
    assert factors.Pair("q", tensor(into, rank), tensor(rank, out), (1, 0)).fits


@pytest.mark.parametrize(
    ("down", "up"),
    [
        (tensor(4, 8), tensor(8, 5)),
        (tensor(4), tensor(8, 4)),
        (tensor(0, 8), tensor(8, 0)),
        (tensor(8, 8), tensor(8, 4)),
    ],
)
def test_a_pair_that_cannot_be_multiplied_does_not_fit(down, up):
    pair = factors.Pair("q", down, up)
    assert not pair.fits
    assert [finding.check for finding in factors.odd_shapes([pair], "a")] == ["factor-shapes"]


def test_a_grouped_convolution_has_a_rank_in_each_group():
    assert factors.Pair("q", tensor(8, 2, 3, 3), tensor(16, 4, 1, 1)).fits


def test_the_largest_rank_of_a_module_counts():
    pairs = [factors.Pair("q", tensor(2, 8), None), factors.Pair("q", tensor(4, 8), None)]
    assert factors.ranks_of(pairs) == {"q": 4}


@given(st.lists(st.sampled_from(["layers", "q", "0", "11"]), min_size=1))
def test_a_leaf_is_the_end_of_the_path(parts):
    module = ".".join(parts)
    leaf = factors.leaf(module)
    assert module == leaf or module.endswith(f".{leaf}")
    assert not leaf[0].isdigit() or module == leaf
