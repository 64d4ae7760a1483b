"""Whether less of a metric is better, by its name; how sklearn calls its scorers is one judge."""

import pytest

from adapterhub.train.metrics.direction import Compared, less_is_better

LESS = """
loss eval_loss test/nll perplexity RMSE rmse rmse_val MAPE mae meanAbsolutePercentageError error_rate distance logloss
LogLoss calibration_error brier_score ECE WER cer top1_error false_positive_rate negative_log_likelihood eer msle
"""
MORE = """
accuracy recall f1 F1 f1_macro rougeL rouge1 BLEU4 NDCG@10 mAP mIoU R2 r_squared matthews_corrcoef exact_match
log_likelihood true_negative_rate distance_correlation val/acc@5 token_accuracy
"""


@pytest.mark.parametrize("metric", LESS.split())
def test_of_losses_errors_and_distances_less_is_better(metric):
    assert less_is_better(metric) is True


@pytest.mark.parametrize("metric", MORE.split())
def test_of_shares_that_are_right_more_is_better(metric):
    assert less_is_better(metric) is False


@pytest.mark.parametrize("metric", ["score", "lossless", "spam", "x", "", "5", "Fehler"])
def test_a_name_that_does_not_say_is_known_to_say_nothing(metric):
    assert less_is_better(metric) is None
    assert Compared.of(metric) == (metric, False, True)


def test_of_every_scorer_of_sklearn_that_is_known_more_is_better():
    from sklearn.metrics import get_scorer_names

    said = {name: less_is_better(name) for name in get_scorer_names()}
    assert not [name for name, less in said.items() if less]
    assert sum(less is None for less in said.values()) < 15


def test_what_is_said_goes_before_the_name():
    assert Compared.of("loss", False) == ("loss", False, False)
    assert Compared.of("score", True).better(0.1, 0.2)
    assert not Compared.of("score", True).better(0.2, 0.2)
    assert Compared.of("score").better(0.2, 0.1)
