"""Which labels a run knows, and in which order: those given, else those of the training rows."""

from collections.abc import Sequence
from pathlib import Path

from adapterhub.errors import WrongUsage
from adapterhub.finding import Finding
from adapterhub.train.config import TrainConfig
from adapterhub.train.data.labels import alike, labels_of
from adapterhub.train.data.table import Table
from adapterhub.train.tasks.opening import open_config, same_labels
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.train.tasks.tagged import apart

__all__ = ["known_labels", "odd_labels"]


def known_labels(config: TrainConfig, base: Path, train: Table | None, column: str) -> tuple[str, ...]:
    """The labels in the order of the outputs; in that of the base's own head where it has the same ones."""
    given = config.data.labels
    if train is None:
        if given is None:
            raise WrongUsage(
                f"{config.task}: without training rows the labels are not known",
                hint="say them in data.labels, in the order of the head's outputs",
            )
        return given
    found = tuple(labels_of(train, column, given))
    return found if given else in_order_of(open_config(base).id2label, found)


def odd_labels(config: TrainConfig, train: Table, base: Path) -> tuple[Finding, ...]:
    """What is odd about the labels: of the training rows, where they decide which there are, else their order."""
    columns = wanted_columns(config)
    if ":" in config.task or not {"label", "tags"} & columns.keys():
        return ()
    if config.data.labels:
        return _reordered(config.data.labels, open_config(base).id2label)
    if "label" in columns:
        return alike(train, columns["label"])
    if "tags" in columns:
        return alike(apart(train, columns["tokens"], columns["tags"]), columns["tags"])
    return ()


def _reordered(labels: Sequence[str], known: dict[int, str]) -> tuple[Finding, ...]:
    theirs = in_order_of(known, labels)
    if theirs == tuple(labels):
        return ()
    message = f"the base has a head for these labels in another order ({', '.join(theirs)}), so a new one is drawn"
    remedy = f"to go on with its head: data.labels: [{', '.join(theirs)}]"
    return (Finding(check="other-head", severity="warning", place="data.labels", message=message, remedy=remedy),)


def in_order_of(known: dict[int, str], labels: Sequence[str]) -> tuple[str, ...]:
    """Labels in the order a head has them, if it has exactly these; else as they are."""
    theirs = [known[i] for i in sorted(known)]
    same = sorted(theirs) == sorted(labels) and not same_labels(known, labels)
    return tuple(theirs) if same else tuple(labels)
