import pytest

from adapterhub.train.watch.smooth import smoothed, span, thinned


def test_the_mean_of_what_never_changes_is_that():
    assert smoothed([3.0] * 20, 5) == pytest.approx([3.0] * 20)


def test_a_span_of_one_changes_nothing():
    assert smoothed([1.0, 5.0, -2.0], 1) == [1.0, 5.0, -2.0]


def test_the_mean_weighs_the_last_values_most():
    # a = 2/(3+1) = 1/2: (1 + 4·½) / (1 + ½)
    assert smoothed([4.0, 1.0], 3) == pytest.approx([4.0, 2.0])


def test_a_mean_is_what_its_formula_says():
    values = [float(number * 37 % 11) for number in range(60)]
    weights = [0.8 ** (59 - number) for number in range(60)]
    wanted = sum(w * x for w, x in zip(weights, values, strict=True)) / sum(weights)
    assert smoothed(values, 9)[-1] == pytest.approx(wanted)


def test_a_few_points_are_drawn_as_they_are():
    assert thinned([1, 2, 3], [3, 1, 2], most=4) == ([1, 2, 3], [3, 1, 2])


def test_many_points_become_few_and_no_spike_is_lost():
    values = [0.0] * 100_000
    values[12_345], values[77_777] = 9.0, -9.0
    places, kept = thinned(range(100_000), values, most=200)
    assert len(kept) <= 200
    assert places == sorted(places)
    assert dict(zip(places, kept, strict=True))[12_345] == 9.0
    assert dict(zip(places, kept, strict=True))[77_777] == -9.0


@pytest.mark.parametrize(("steps", "over"), [(1, 1), (99, 1), (100, 2), (5000, 100)])
def test_long_runs_are_smoothed_more(steps, over):
    assert span(steps) == over
