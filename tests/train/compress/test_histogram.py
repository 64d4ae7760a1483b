"""Counting magnitudes while they go by."""

import pytest
import torch

from adapterhub.errors import Refused
from adapterhub.train.compress.histogram import BINS, Histogram


def counted(*parts):
    histogram = Histogram()
    for part in parts:
        histogram.add(part)
    return histogram


def test_every_number_but_zero_is_counted():
    histogram = counted(torch.tensor([0.0, 1.0, -2.0]), torch.zeros(5), torch.tensor([[0.5]]))
    assert histogram.total == 3
    assert histogram.largest == 2.0


def test_numbers_that_come_later_may_be_larger():
    numbers = torch.randn(4000, generator=torch.Generator().manual_seed(0)) * torch.linspace(0.01, 30, 4000)
    histogram = counted(*numbers.split(100))
    assert histogram.total == 4000
    assert histogram.largest == numbers.abs().max()
    whole = torch.histc(numbers.abs().double(), BINS, 0, histogram.limit)
    assert (histogram.counts - whole).abs().sum() <= 0.01 * 4000, "but for numbers at the very edge of a bin"


def test_a_histogram_of_halves_is_that_of_the_whole():
    numbers = torch.tensor([8.0]), torch.rand(999, generator=torch.Generator().manual_seed(1)) * 8
    assert torch.equal(counted(*numbers).counts, counted(torch.cat(numbers)).counts)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(Refused, match="NaN or infinity"):
        counted(torch.tensor([1.0, bad]))
