import numpy
import pytest
from scipy import stats

from adapterhub.errors import WrongUsage
from adapterhub.train.watch import bootstrap
from adapterhub.train.watch.bootstrap import difference


def arms(rows, right_a, right_b, seed=7):
    """Answers of two arms, right on so large a share of the rows; most rows are easy or hard for both."""
    dice = numpy.random.default_rng(seed)
    hard = dice.random(rows)
    noise = 0.05 * dice.standard_normal((2, rows))
    return ((hard + noise[0]) < right_a).astype(float), ((hard + noise[1]) < right_b).astype(float)


def test_the_interval_is_that_of_another_program():
    a, b = arms(1500, 0.70, 0.67)
    ours = difference(a, b)
    judge = stats.bootstrap(
        (a - b,), numpy.mean, n_resamples=10_000, method="percentile", rng=numpy.random.default_rng(1), batch=1000
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((judge.low, judge.high), abs=1e-3)
    assert ours.mean == pytest.approx(a.mean() - b.mean())


def test_the_interval_is_that_of_the_normal_distribution_where_rows_are_many():
    a, b = arms(5000, 0.70, 0.67)
    ours, error = difference(a, b), (a - b).std() / 5000**0.5
    assert ours.low == pytest.approx(ours.mean - 1.96 * error, abs=0.1 * error)
    assert ours.high == pytest.approx(ours.mean + 1.96 * error, abs=0.1 * error)


def test_pairs_tell_more_than_two_separate_means():
    a, b = arms(1000, 0.70, 0.65)
    shuffled = numpy.random.default_rng(3).permutation(b)
    paired, apart = difference(a, b), difference(a, shuffled)
    assert paired.high - paired.low < 0.6 * (apart.high - apart.low)


def test_the_same_seed_gives_the_same_interval_and_the_arms_can_be_swapped():
    a, b = arms(300, 0.7, 0.6)
    ours, again, swapped = difference(a, b, seed=5), difference(a, b, seed=5), difference(b, a, seed=5)
    assert ours == again
    assert (swapped.mean, swapped.low, swapped.high) == pytest.approx((-ours.mean, -ours.high, -ours.low), abs=1e-9)
    assert difference(a, b, seed=6).low != ours.low or difference(a, b, seed=6).high != ours.high


def test_what_is_drawn_at_once_changes_nothing(monkeypatch):
    a, b = arms(100, 0.7, 0.6)
    whole = difference(a, b, draws=1000)
    monkeypatch.setattr(bootstrap, "AT_ONCE", 700)
    assert difference(a, b, draws=1000) == whole


def test_arms_that_answer_alike_do_not_differ():
    found = difference([1.0, 0.0, 1.0], [1.0, 0.0, 1.0])
    assert (found.mean, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [1.0, 0.0])])
def test_arms_need_the_same_rows(a, b):
    with pytest.raises(WrongUsage, match=f"got {len(a)} and {len(b)}"):
        difference(a, b)
