"""The k smallest magnitudes, against a sort of everything."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Refused
from adapterhub.train.compress.smallest import find

NUMBERS = st.lists(
    st.floats(-(2.0**99), 2.0**99, width=32) | st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 1e-40]),
    min_size=1,
    max_size=40,
)


@given(st.lists(NUMBERS, min_size=1, max_size=4), st.floats(0, 1))
def test_exactly_so_many_are_zeroed_and_none_of_the_larger(lists, share):
    tensors = [torch.tensor(numbers) for numbers in lists]
    everything = torch.cat(tensors)
    count = int(share * len(everything))
    smallest = find(lambda: tensors, count)
    after = torch.cat([smallest.zeroed(tensor) for tensor in tensors])
    gone = after != everything
    assert int((after == 0).sum()) == max(count, int((everything == 0).sum()))
    if gone.any() and (after != 0).any():
        assert everything[gone].abs().max() <= after[after != 0].abs().min()


def test_what_is_equal_at_the_border_goes_in_order():
    tensors = [torch.tensor([1.0, -1.0]), torch.tensor([1.0, 2.0])]
    smallest = find(lambda: tensors, 2)
    assert [smallest.zeroed(tensor).tolist() for tensor in tensors] == [[0.0, 0.0], [1.0, 2.0]]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_types_stay_and_the_given_tensor_is_not_touched(dtype):
    tensor = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    before = tensor.clone()
    after = find(lambda: [tensor], 20).zeroed(tensor)
    assert after.dtype == dtype
    assert int((after == 0).sum()) == 20
    assert torch.equal(tensor, before)


def test_a_broken_weight_is_refused():
    with pytest.raises(Refused, match="NaN or infinity"):
        find(lambda: [torch.tensor([1.0, float("nan")])], 1)
