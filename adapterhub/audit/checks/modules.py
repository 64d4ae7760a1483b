"""Checks of the modules an adapter changes: are they there, and of the right shape?"""

import re
from collections.abc import Iterator

from adapterhub.audit.checks.vocabulary import resized
from adapterhub.audit.checks.words import info, which_base
from adapterhub.audit.layers import layers
from adapterhub.audit.pair import Pair
from adapterhub.audit.report import by
from adapterhub.base.config import setting
from adapterhub.base.fold import fold, sentence
from adapterhub.finding import Finding

__all__ = ["ambiguous", "fewer_layers", "missing", "nothing", "shape", "targets", "unread"]

MOST = 20
"""Findings of one check."""

NUMBER = re.compile(r"(?:^|\.)[0-9]+(?:\.|$)")
"""A number as a word of a path: that of a layer."""

UNREAD = "a base of other widths would look the same: evaluate it here before relying on it"


def missing(pair: Pair) -> Iterator[Finding]:
    """The modules the base has not."""
    places = fold(pair.naming.missing)
    for number, place in enumerate(places[:MOST]):
        left = f"; so have {len(places) - MOST} more places" if number == MOST - 1 and len(places) > MOST else ""
        yield Finding(
            check="missing-module",
            severity="error",
            place=place,
            message=f"{pair.base.name} has no such module{left}",
            remedy=which_base(pair),
        )


def shape(pair: Pair) -> Iterator[Finding]:
    """The modules whose weight has another shape, unless only the vocabulary was resized."""
    shapes: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = {}
    for wrong in pair.mismatched:
        if not resized(wrong):
            shapes.setdefault((wrong.adapter, wrong.base), []).append(wrong.module)
    for (wanted, got), modules in shapes.items():
        yield Finding(
            check="shape",
            severity="error",
            place=sentence(modules),
            message=f"the adapter changes a weight of {by(wanted)}, {pair.base.name} has {by(got)} there",
            remedy=which_base(pair),
        )


def targets(pair: Pair) -> Iterator[Finding]:
    """The listed targets that match nothing, neither in the adapter nor in the base."""
    if not pair.adapter.listed:
        return
    known = {end for name in (*pair.adapter.targets, *pair.adapter.unread, *pair.base.weights) for end in _ends(name)}
    astray = [target for target in pair.adapter.listed if target not in known]
    for number, target in enumerate(astray[:MOST]):
        left = f"; nor do {len(astray) - MOST} more" if number == MOST - 1 and len(astray) > MOST else ""
        yield Finding(
            check="target",
            severity="warning",
            place="target_modules",
            message=f"{target!r} matches no module of the adapter and none of {pair.base.name}{left}",
            remedy="a misspelt target trains nothing; take it out of the config, or train again",
        )


def _ends(name: str) -> Iterator[str]:
    """The name, and what follows each of its dots."""
    while name:
        yield name
        _, _, name = name.partition(".")


def fewer_layers(pair: Pair) -> Iterator[Finding]:
    """The first layers of a deeper base, and no others: what was trained on a smaller model of the same names.

    Whose config chooses layers means it so; of a misfit it is no news. What a checkpoint has beyond the config's
    layers predicts further tokens.
    """
    fields = pair.adapter.config.fields if pair.adapter.config else {}
    chosen = fields.get("layers_to_transform") or any(map(NUMBER.search, pair.adapter.listed))
    if chosen or not pair.adapter.listed or not pair.fits:
        return
    mine, here = layers(pair.naming.targets.values()), layers(pair.base.weights)
    depths = {(len(numbers), len(here.get(kind, ()))) for kind, numbers in mine.items()}
    firsts = all(max(numbers) < len(numbers) for numbers in mine.values())
    if not depths or not firsts or any(few >= deep for few, deep in depths):
        return
    few, deep = max(depths)
    if few != setting(pair.base.config, "num_hidden_layers"):
        yield Finding(
            check="fewer-layers",
            severity="warning",
            place=sentence(pair.naming.targets),
            message=f"its targets choose no layers, and it changes the first {few} of the {deep} of {pair.base.name}",
            remedy="an adapter of a smaller model of the same kind looks like this: " + which_base(pair),
        )


def nothing(pair: Pair) -> Iterator[Finding]:
    """An adapter that fits everything."""
    if not pair.adapter.targets and not pair.adapter.unread:
        message = "its header names no module of a base, so there is nothing to hold"
        yield info("targets-nothing", "adapter", message, "if it was trained, it was saved wrongly: save it again")


def unread(pair: Pair) -> Iterator[Finding]:
    """Modules whose header says no shape."""
    if pair.adapter.unread:
        message = f"{len(pair.adapter.unread)} modules change bare parameters; their shapes were not compared"
        yield info("unread-module", sentence(pair.adapter.unread), message, UNREAD)
    unsaid = [module for module in pair.fits if pair.adapter.targets[module].shape is None]
    if unsaid:
        message = f"the adapter's tensors do not say the shapes of {len(unsaid)} weights, so they were not compared"
        yield info("unread-module", sentence(unsaid), message, UNREAD)


def ambiguous(pair: Pair) -> Iterator[Finding]:
    """Square matrices of experts, by a version of PEFT that nobody noted."""
    if pair.ambiguous:
        yield Finding(
            check="ambiguous-experts",
            severity="warning",
            place=sentence(pair.ambiguous),
            message="versions of PEFT disagree on which side of these square weights is the input, and the config "
            f"{'says' if pair.adapter.facts.details.get('peft_version') else 'does not say'} which version wrote it",
            remedy="ask who trained it for the version of PEFT, and evaluate it here before relying on it",
        )
