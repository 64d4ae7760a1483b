"""`train --continue`: the entry that is followed, its rows among the new ones, and what is kept for the next."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.finding import Finding
from adapterhub.store.derived import folder_of
from adapterhub.train.config import TrainConfig
from adapterhub.train.run import RunFolder
from adapterhub.verbs.bases import other_base
from adapterhub.verbs.desk import Desk

if TYPE_CHECKING:
    from adapterhub.base.card import Card
    from adapterhub.train.data.split import Splits
    from adapterhub.train.earlier import Earlier
    from adapterhub.train.prepare import Prepared

__all__ = ["earlier_of", "keep", "over_another_base", "replayed"]

LOOKS_BACK = ("replay", "olora")
"""Fields of `continual` without a meaning in a first run; the others keep something for the next."""


def earlier_of(desk: Desk, word: str) -> "Earlier":
    """The adapter a run goes on from; it lies in this store."""
    from adapterhub.train.earlier import Earlier

    listed, entry = desk.find(str(desk.reference(word)))
    if entry.manifest.kind != "adapter":
        raise DoesNotFit(
            f"--continue {word}: it is of kind {entry.manifest.kind}",
            hint="name a model as the config's base; an adapter is what is continued",
        )
    return Earlier(str(listed.reference), entry, folder_of(desk.store, listed.digest))


def over_another_base(earlier: "Earlier", base: "Card", config: TrainConfig) -> tuple[Finding, ...]:
    """A warning where the adapter was trained on other weights; O-LoRA, whose sum is of one base, is refused then."""
    found = other_base(earlier.name, earlier.entry, base)
    if found and config.continual.olora:
        raise DoesNotFit(
            f"continual.olora: {found[0].message}",
            hint="give the base it was trained on: `adapterhub audit` tells which",
        )
    return found


def replayed(config: TrainConfig, own: "Splits", earlier: "Earlier | None", run: RunFolder) -> "Splits":
    """The rows of a run; among the training rows those of earlier tasks that are learned again."""
    from adapterhub.train.kept import insist_on_kept, mixed, sample_of

    insist_on_kept(config)
    if earlier is None:
        _insist_on_none(config)
        return own
    earlier.told(config)
    return replace(own, train=mixed(own.train, config, sample_of(earlier, run.unpacked)))


def _insist_on_none(config: TrainConfig) -> None:
    """`WrongUsage` for what looks back, in a run that goes on from nothing."""
    asked = [f"continual.{name}" for name in LOOKS_BACK if getattr(config.continual, name)]
    if asked:
        raise WrongUsage(
            f"{asked[0]} is about earlier tasks, and no entry is given to go on from",
            hint=f"name it by --continue REF; in a first run leave {' and '.join(asked)} out",
        )


def keep(
    folder: Path, ready: "Prepared", own: "Splits", earlier: "Earlier | None", run: RunFolder
) -> tuple[Finding, ...]:
    """Write what the config wants to be kept into the folder of an adapter that was trained; what to know of it.

    own: the rows without those of earlier tasks.
    """
    from adapterhub.train.kept import keep_fisher, keep_optimizer, keep_sample, sample_of

    keep_optimizer(folder, ready.config, run.state)
    keep_fisher(folder, ready, own.train, earlier)
    said = keep_sample(folder, ready.config, own.train, sample_of(earlier, run.unpacked))
    return (said,) if said else ()
