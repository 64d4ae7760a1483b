"""Where eight bits end: outliers are clipped by those that look at how many there are."""

import pytest
import torch

from adapterhub.errors import WrongUsage
from adapterhub.train.compress.calibrate import METHODS, histogram_mse, minmax, percentile, threshold
from adapterhub.train.compress.histogram import Histogram


def counted(numbers):
    histogram = Histogram()
    histogram.add(numbers)
    return histogram


def drawn(*outliers, count=100_000):
    """Numbers of a normal distribution, and some far away."""
    numbers = torch.randn(count, generator=torch.Generator().manual_seed(0))
    return torch.cat([numbers, torch.tensor(outliers)]) if outliers else numbers


def rounded(numbers, end):
    step = end / 127
    return (numbers / step).round().clamp(-127, 127) * step


def error(numbers, end):
    return float((numbers.double() - rounded(numbers.double(), end)).square().mean())


def test_min_max_holds_the_largest_number():
    assert minmax(counted(drawn(-60.0))) == 60.0


@pytest.mark.parametrize("method", ["percentile", "histogram-kl"])
def test_outliers_are_clipped(method):
    assert 2.5 < threshold(counted(drawn(60.0, -55.0)), method) < 12


def test_least_squares_clips_as_far_as_an_outlier_is_not_worth_the_rest():
    few, many = drawn(60.0, -55.0, count=20_000), drawn(60.0, -55.0, count=2_000_000)
    assert histogram_mse(counted(many)) < 12 < histogram_mse(counted(few)) < minmax(counted(few))


@pytest.mark.parametrize("method", ["percentile", "histogram-kl", "histogram-mse"])
def test_what_has_no_tail_is_hardly_clipped(method):
    numbers = torch.rand(100_000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert threshold(counted(numbers), method) > 0.95


def test_a_percentile_clips_as_many_as_it_says():
    numbers = drawn()
    end = percentile(counted(numbers), 0.99)
    clipped = float((numbers.abs() > end).float().mean())
    assert clipped <= 0.01
    assert clipped > 0.0085
    assert end == pytest.approx(2.576, abs=0.03)  # of a normal distribution


def test_the_threshold_of_least_squares_is_the_best_of_all():
    numbers = drawn(30.0, -28.0, 25.0, count=20_000)
    best = error(numbers, histogram_mse(counted(numbers)))
    tried = [error(numbers, 30.0 * part / 200) for part in range(10, 201)]
    assert best <= 1.02 * min(tried)
    assert best < error(numbers, 30.0)


def test_zeros_change_no_threshold():
    numbers = drawn(40.0)
    with_zeros = torch.cat([numbers, torch.zeros(10 * len(numbers))])
    for method in METHODS:
        assert threshold(counted(with_zeros), method) == threshold(counted(numbers), method)


@pytest.mark.parametrize("method", METHODS)
def test_no_threshold_lies_beyond_the_largest_number(method):
    for numbers in (torch.tensor([3.0]), torch.tensor([1e-20, 2e-20]), torch.arange(1, 50).float()):
        assert 0 < threshold(counted(numbers), method) <= float(numbers.max())


@pytest.mark.parametrize("method", METHODS)
def test_numbers_of_few_values_are_not_clipped(method):
    levels = torch.arange(17).repeat(50) / 16
    assert threshold(counted(levels), method) == pytest.approx(1.0, abs=0.02)


def test_of_zeros_alone_any_threshold_does():
    assert threshold(counted(torch.zeros(3)), "histogram-kl") == 1.0


def test_a_calibration_that_is_not_known_is_named():
    with pytest.raises(WrongUsage, match="no calibration is called 'median'"):
        threshold(Histogram(), "median")
    with pytest.raises(WrongUsage, match="above 0 and at most 1"):
        percentile(counted(drawn()), 0.0)
