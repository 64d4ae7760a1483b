"""`merge --data`: what the adapters are worth together on a base, and what the entry is that was made of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from adapterhub.compose.recipe import MEAN, Recipe
from adapterhub.errors import WrongUsage
from adapterhub.finding import Finding
from adapterhub.verbs.case import Case, Evaluation, case
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.evaluate import Judged, judged
from adapterhub.verbs.merge import Progress, merge
from adapterhub.verbs.recipes import plain, recipe_of
from adapterhub.verbs.shown import Shown

__all__ = ["Merged", "merge_and_measure"]

POINT = 0.01
"""A loss of worth that is told: of a share so much of it, of a loss or perplexity such a part."""


class Merged(Shown):
    """A merge. With rows: the metrics `before`, of the plain sum on a live model, and `after`, of the new entry.

    There is no `before` where a live model cannot take what was merged: heads blended, or weights by module.
    """

    before: dict[str, float] = {}
    after: dict[str, float] = {}


def merge_and_measure(
    desk: Desk,
    expression: str,
    recipe: Recipe,
    name: str,
    data: Path | None,
    *,
    misfit: bool,
    progress: Progress | None,
) -> Merged:
    """Merge, and measure before and after on rows, where there are some; a fall of the task's metric is a finding.

    Rows or a base that are wrong are told before anything is written.
    """
    if data is None:
        return Merged(**dict(merge(desk, recipe, name, progress, misfit=misfit)))
    live = _live(expression, recipe)
    choose = recipe.choose if len(recipe.adapters) > 1 and live else None
    first = case(desk, expression if live else recipe.adapters[0].adapter, Evaluation(data, choose=choose))
    before = judged(desk, first) if live else None
    made = merge(desk, recipe, name, progress, misfit=misfit)
    after = judged(desk, _again(desk, made, first))
    return Merged(
        **{**dict(made), "findings": (*_worse(before, after, recipe), *made.findings)},
        before=before.answer.metrics if before else {},
        after=after.answer.metrics,
    )


def _live(expression: str, recipe: Recipe) -> bool:
    """Whether a live model can take what is merged, as a plain sum of it."""
    try:
        plain(recipe_of(expression), expression)
    except WrongUsage:
        return False
    return recipe.choose != MEAN


def _again(desk: Desk, made: Shown, first: Case) -> Case:
    """The same rows and base, for what was made."""
    how = replace(first.how, base=first.ground.word, choose=None)
    return case(desk, made.reference, how)


def _worse(before: Judged | None, after: Judged, recipe: Recipe) -> Iterator[Finding]:
    if before is None:
        return
    metric, less, _ = after.compared
    was, now = before.answer.metrics[metric], after.answer.metrics[metric]
    if now > was * (1 + POINT) if less else now < was - POINT:
        cut = recipe.rank is not None or recipe.energy is not None
        yield Finding(
            check="worth-less",
            severity="warning",
            place=metric,
            message=f"{now:.4f} on {after.answer.rows} rows, and {was:.4f} before it was merged",
            remedy="a larger --rank: the share of energy that is kept understates the rank a task needs"
            if cut
            else "other weights or another --method",
        )
