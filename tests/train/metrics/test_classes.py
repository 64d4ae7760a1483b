"""Metrics of classes are scikit-learn's."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as judge

from adapterhub.train.metrics import classes

RNG = np.random.default_rng(0)
CASES = {
    "two": (RNG.integers(0, 2, 50), RNG.integers(0, 2, 50)),
    "five": (RNG.integers(0, 5, 200), RNG.integers(0, 5, 200)),
    "gaps": (np.array([0, 7, 7, 3]), np.array([7, 7, 3, 3])),
    "a class that is never wanted": (np.array([0, 1, 2]), np.array([0, 1, 1])),
    "one answer to all": (np.zeros(6, int), np.array([0, 1, 1, 0, 1, 0])),
    "all right": (np.array([2, 0, 1]), np.array([2, 0, 1])),
}
JUDGES = {
    "accuracy": judge.accuracy_score,
    "balanced_accuracy": judge.balanced_accuracy_score,
    "f1_macro": lambda wanted, said: judge.f1_score(wanted, said, average="macro", zero_division=0),
    "precision_macro": lambda wanted, said: judge.precision_score(wanted, said, average="macro", zero_division=0),
    "recall_macro": lambda wanted, said: judge.recall_score(wanted, said, average="macro", zero_division=0),
    "matthews_corrcoef": judge.matthews_corrcoef,
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("metric", JUDGES)
def test_it_is_what_scikit_learn_says(metric, case):
    said, wanted = CASES[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class that is never wanted
        right = JUDGES[metric](wanted, said)
    assert getattr(classes, metric)(said, wanted) == pytest.approx(right, abs=1e-12)


def test_f1_is_of_the_second_of_two_classes():
    said, wanted = CASES["two"]
    assert classes.f1(said, wanted) == pytest.approx(judge.f1_score(wanted, said), abs=1e-12)
    assert classes.f1([0, 0], [0, 0]) == 0
