"""Checks of the whole tensors an adapter brings beside its factors: heads, norms, biases."""

from collections.abc import Iterator

from adapterhub.audit.checks.vocabulary import is_vocabulary
from adapterhub.audit.checks.words import info
from adapterhub.audit.pair import Pair
from adapterhub.audit.report import by
from adapterhub.base.fold import sentence
from adapterhub.finding import Finding

__all__ = ["saved", "unexpected"]


def saved(pair: Pair) -> Iterator[Finding]:
    """A head may have another number of classes; what has another width belongs to another model."""
    for name, shape in pair.adapter.saved.items():
        row = pair.base.named.get(pair.in_base(name))
        if row is None or row.shape == shape:
            continue
        rows_only = len(shape) == len(row.shape) and shape[1:] == row.shape[1:]
        if rows_only and len(shape) == 2 and is_vocabulary(name.removesuffix(".weight")):
            continue  # a resized vocabulary is a check of its own
        message = f"the adapter brings its own, {by(shape)}; the base has {by(row.shape)}"
        if rows_only:
            yield info("saved-tensor", name, message, "load the base with as many rows: num_labels, where it is a head")
        else:
            yield Finding(
                check="saved-tensor",
                severity="warning",
                place=name,
                message=f"{message}: it was made for a model of another width",
                remedy="look for the base it was trained on",
            )


def unexpected(pair: Pair) -> Iterator[Finding]:
    """Tensors the base has no place for: heads are wanted where there are none, odd ones are a finding of the facts."""
    reasons = {name.replace(".base_layer.", "."): reason for name, reason in pair.adapter.reasons.items()}
    homeless = [name for name in pair.unexpected if reasons.get(name) in ("embedding", "bias")]
    if homeless:
        yield Finding(
            check="unexpected-tensor",
            severity="warning",
            place=sentence(homeless),
            message=f"{pair.base.name} has no such tensors, so nothing is done with {len(homeless)} that were trained",
            remedy="look for the base it was trained on, or take them out",
        )
