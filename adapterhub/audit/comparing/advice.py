"""What to make of how alike adapters are: a table of rules, of which the first that holds for a pair is its advice.

The methods are those of `compose.methods`. A rule says what arithmetic says; which merge answers best, only an
evaluation tells.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from adapterhub.audit.comparison import Advice, Pair, Together

__all__ = ["RULES", "Rule", "advice", "rule_of"]

SAME = 0.999
"""A copy rounded to bf16 keeps a cosine above 0.9999; another seed of the same training stays far below this."""

ALIKE = 0.5
"""From here on the sum of two is more than a fifth longer than that of strangers: √(2 + 2·0.5) against √2."""

APART = 0.1
"""Up to here the sum is as long as that of strangers, within 5 %."""

SHARED = 0.2
"""Less of the directions than this in common, beyond what chance gives, is hardly anything to interfere in."""

CONFLICT = 0.45
"""Strangers' signs differ in half of the entries; above this hardly more agree than chance would have it."""


@final
@dataclass(frozen=True)
class Rule:
    """When it holds, what that means, and the methods that suit, the first before all."""

    holds: Callable[[Pair], bool]
    message: str
    methods: tuple[str, ...] = ()


RULES = {
    "foreign": Rule(
        lambda pair: pair.clashing > 0,
        "they change weights of different shapes: they were trained on different bases and have no sum",
    ),
    "nothing": Rule(
        lambda pair: pair.cosine is None,
        "one changes nothing: it was never trained, or its factors are zero; leave it out",
    ),
    "separate": Rule(
        lambda pair: pair.common == 0,
        "they change no module in common: a sum is both, side by side",
        ("sum",),
    ),
    "copy": Rule(
        lambda pair: _cosine(pair) > SAME,
        "the same change but for its length: keep one; a sum only makes it stronger",
    ),
    "opposite": Rule(
        lambda pair: _cosine(pair) < -ALIKE,
        "they undo each other: what a merge keeps is little of either; switch between them instead",
    ),
    "alike": Rule(
        lambda pair: _cosine(pair) > ALIKE,
        "largely the same direction: average them, with weights that add up to 1; a plain sum would be too strong",
        ("svd", "karcher"),
    ),
    "apart": Rule(
        lambda pair: abs(_cosine(pair)) < APART and pair.shared < SHARED,
        "they hardly touch: a sum keeps what each does",
        ("sum", "svd"),
    ),
    "conflict": Rule(
        lambda pair: pair.sign_conflict > CONFLICT,
        "they use the same directions and disagree there: a sum loses some of both; vote on signs where they meet",
        ("knots", "core_ties", "tsv"),
    ),
    "mixed": Rule(
        lambda _: True,
        "they agree in part: a weighted sum keeps most of both; give weights below 1",
        ("svd", "tsv"),
    ),
}


def _cosine(pair: Pair) -> float:
    return pair.cosine or 0.0


def rule_of(pair: Pair) -> str:
    """The name of the first rule that holds."""
    return next(name for name, rule in RULES.items() if rule.holds(pair))


def advice(pairs: Sequence[Pair], together: Together) -> Iterator[Advice]:
    """Each rule with the pairs it holds for, in the order of the table; then what merging all would lose."""
    for name, rule in RULES.items():
        if found := tuple((pair.a, pair.b) for pair in pairs if pair.advice == name):
            yield Advice(rule=name, message=rule.message, methods=rule.methods, pairs=found)
    if not any(pair.clashing for pair in pairs):
        yield Advice(rule="together", message=_lost(together), methods=("sum", "svd"))


def _lost(together: Together) -> str:
    if together.svd_error is None:
        return "all in one, with equal weights: nothing would be left"
    return (
        f"all in one, with equal weights: sum is exact at rank {together.sum_rank}; cut to rank {together.rank} by svd "
        f"its relative error is {together.svd_error:.2g}"
    )
