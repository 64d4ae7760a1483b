"""Whether less or more of a metric is better: as who made it says, else as its name does."""

import re
from itertools import takewhile
from typing import NamedTuple

__all__ = ["Compared", "less_is_better"]

LESS = """
    bce brier ce cer cost crps der deviance deviation dist distance divergence drop ece edits eer entropy err errors
    false fdr fid fnr fpr kl losses mae mape mase mce medae miss mse msle nll nrmse perplexity ppl regret residual
    rmse rmsle smape ter wape wer wmape
"""
"""Words of metrics of which less is better; so are all that end in loss or error."""

MORE = """
    acc accuracy agreement ap auc auprc auroc bleu chrf coefficient corr corrcoef correlation coverage dice em exact
    f fbeta gain hit hits iou jaccard kappa likelihood map match matthews mcc meteor miou mrr ndcg pass pearson
    precision psnr r recall reward rouge sensitivity similarity spearman specificity ssim success true
"""
"""Of which more is."""

TURNS = ("d2", "minus", "neg", "negative")
"""First words after each of which the rest means the contrary: neg_mean_squared_error, d2_absolute_error_score."""


def less_is_better(metric: str) -> bool | None:
    """What the last word of a name that is known says, whatever its case and its digits; None where none is.

    >>> [less_is_better(name) for name in ("RMSE", "mean_squared_error", "valLoss", "F1", "score")]
    [True, True, True, False, None]
    """
    parts = re.findall(r"[^\W\d_]+", metric)
    both = (word.lower() for part in parts for word in (part, *re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", part)))
    known = [less for word in both if (less := _said(word)) is not None]
    if not known:
        return None
    turns = takewhile(TURNS.__contains__, re.split(r"[\W_]+", metric.lower()))
    return known[-1] is (len(tuple(turns)) % 2 == 0)


def _said(word: str) -> bool | None:
    less = word in LESS.split() or word.endswith(("loss", "error"))
    return less if less or word in MORE.split() else None


class Compared(NamedTuple):
    """The metric by which results are compared, and whether less of it is better; `guessed` where nothing says that."""

    metric: str
    less: bool
    guessed: bool = False

    @classmethod
    def of(cls, metric: str, less: bool | None = None) -> "Compared":
        """As is said, else as its name says; more is better where that says nothing."""
        said = less_is_better(metric) if less is None else less
        return cls(metric, bool(said), said is None)

    def better(self, value: float, than: float) -> bool:
        """Whether a value is better than another.

        >>> Compared.of("accuracy").better(0.9, 0.8), Compared.of("eval_loss").better(0.9, 0.8)
        (True, False)
        """
        return value < than if self.less else value > than
