"""Metrics of probabilities: scikit-learn's, or worked by hand where it has none."""

import math

import numpy as np
import pytest
from sklearn import metrics as judge

from adapterhub.train.metrics.probability import brier, chosen, ece, nll, perplexity

RNG = np.random.default_rng(0)
CHANCES = RNG.dirichlet(np.ones(4), 300)
WANTED = RNG.integers(0, 4, 300)


def test_the_loss_is_scikit_learns():
    assert nll(CHANCES, WANTED) == pytest.approx(judge.log_loss(WANTED, CHANCES), abs=1e-9)


def test_a_probability_of_zero_leaves_a_mean_finite():
    assert nll(np.array([[0.0, 1.0]]), [0]) == pytest.approx(-math.log(1e-12))


def test_the_brier_score_of_two_classes_is_twice_that_of_one():
    two = np.stack([1 - CHANCES[:, 0], CHANCES[:, 0]], 1)
    wanted = (WANTED == 0).astype(int)
    assert brier(two, wanted) == pytest.approx(2 * judge.brier_score_loss(wanted, two[:, 1]))


def test_the_brier_score_is_0_at_best_and_2_at_worst():
    sure = np.eye(3)
    assert brier(sure, [0, 1, 2]) == 0
    assert brier(sure, [1, 2, 0]) == 2


def test_the_calibration_error_is_the_gap_in_each_bin():
    # Bin (0.6, 0.667]: 4 answers at 0.65, half of them right. Bin (0.867, 0.933]: 4 at 0.9, all right.
    chances = np.array([[0.65, 0.35]] * 4 + [[0.9, 0.1]] * 4)
    assert ece(chances, [0, 0, 1, 1, 0, 0, 0, 0]) == pytest.approx(0.5 * 0.15 + 0.5 * 0.1)


def test_gaps_of_one_bin_cancel_and_of_two_do_not():
    chances = np.array([[0.61, 0.39], [0.79, 0.21]])
    assert ece(chances, [1, 0], bins=1) == pytest.approx(abs(0.5 - 0.7))
    assert ece(chances, [1, 0], bins=10) == pytest.approx((0.61 + 0.21) / 2)


def test_who_is_sure_and_right_is_calibrated():
    assert ece(np.eye(5), np.arange(5)) == 0
    assert ece(np.eye(5), (np.arange(5) + 1) % 5) == 1


def test_perplexity_is_the_exponential_and_never_overflows():
    assert perplexity(math.log(7)) == pytest.approx(7)
    assert perplexity(1e4) == math.inf


def test_answers_that_are_nan_are_no_class_and_make_every_mean_nan():
    chances = np.array([[0.9, 0.1], [np.nan, np.nan], [0.2, 0.8]])
    assert chosen(chances).tolist() == [0, -1, 1]
    assert all(math.isnan(metric(chances, [0, 0, 1])) for metric in (nll, brier, ece))
