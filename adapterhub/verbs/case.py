"""What is to be measured, and on what: adapters or a model, their task, rows and base; found before a model is opened.

The task, its columns and its labels are those the entry was trained with, as its manifest says; for one that was
trained elsewhere a config says them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from adapterhub.digest import Digest
from adapterhub.errors import NotFound, WrongUsage
from adapterhub.expression import parse as parse_expression
from adapterhub.note import gather
from adapterhub.train.config import TrainConfig
from adapterhub.verbs.bases import kept_card, readable
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.live import Asked, asked
from adapterhub.verbs.subject import Subject
from adapterhub.verbs.train_ground import Ground, ground
from adapterhub.verbs.trained import config_in
from adapterhub.verbs.trainings import trainings

if TYPE_CHECKING:
    from adapterhub.train.data.table import Table
    from adapterhub.train.task import Task

__all__ = ["Case", "Evaluation", "case"]


@final
@dataclass(frozen=True)
class Evaluation:
    """What is asked: rows in a file or folder, over another base or with another config than the adapter's own.

    Paths in the config are relative to `folder`. `reuse` takes what was noted of the same rows and base before.
    `choose` is the adapter whose head counts, where several have one.
    """

    data: Path
    base: str | None = None
    config: TrainConfig | None = None
    device: str | None = None
    folder: Path = Path()
    reuse: bool = False
    choose: str | None = None


@final
@dataclass(frozen=True)
class Case:
    """Adapters or a model, the base they stand on, the config of their task, and rows that have its columns."""

    expression: str
    how: Evaluation
    wanted: Asked
    config: TrainConfig
    table: "Table"
    ground: Ground

    @property
    def one(self) -> Subject | None:
        """The entry or folder that is measured by itself, as it is; None for a sum."""
        alone = self.wanted.weights == (1.0,) and len(parse_expression(self.expression).terms) == 1
        return self.wanted.found[0] if alone else None

    @property
    def adapters(self) -> str | None:
        """What is put on the base; None where the base is what is measured."""
        return None if any(map(_is_model, self.wanted.found)) else self.expression

    @property
    def base(self) -> str:
        """Who the base is."""
        return self.ground.card.weights_digest or self.ground.card.layout_digest

    @cached_property
    def task(self) -> "Task":
        """The task, over this base."""
        from adapterhub.train.tasks.table import prepare

        how = self.how
        learned = _learned_from(self.config, how.folder)
        return prepare(self.config, self.ground.folder, learned, folder=how.folder.absolute())

    @cached_property
    def examples(self) -> Sequence[Any]:
        """The rows, ready."""
        return self.task.examples(self.table)


def case(desk: Desk, expression: str, how: Evaluation) -> Case:
    """Everything but the model, with every mistake that shows without one."""
    from adapterhub.train.data.columns import insist
    from adapterhub.train.data.read import media, read
    from adapterhub.train.tasks.table import wanted_columns

    wanted = asked(desk, expression, how.choose)
    training = next(trainings(desk, [one.entry.manifest for one in wanted.found]), None)
    whole = _whole(wanted.found, how.base)
    config = how.config or (config_in(training, "base") if training else None)
    if config is None:
        raise WrongUsage(
            f"{expression}: nothing says what task it was trained for",
            hint="give `eval` a config with task: and data: by --config; `adapterhub train --init TASK` writes one",
        )
    columns = wanted_columns(config)
    table = read(how.data, str(how.data), media(columns))
    insist(table, columns)
    return Case(expression, how, wanted, config, table, _ground(desk, whole, wanted.found, how))


def _is_model(one: Subject) -> bool:
    return one.entry.manifest.kind == "model"


def _whole(found: tuple[Subject, ...], base: str | None) -> str | None:
    """The model itself, where that is what is measured."""
    models = [one.label for one in found if _is_model(one)]
    if models and (base or len(found) > 1):
        raise WrongUsage(
            f"{models[0]} is a model: no adapter of a sum, or for a base", hint="measure it alone, or name it by --base"
        )
    return models[0] if models else None


def _ground(desk: Desk, whole: str | None, found: tuple[Subject, ...], how: Evaluation) -> Ground:
    """The base: the one that is asked for, the config's, else the one the adapters are pinned to."""
    if how.config and not (how.base or whole):
        return ground(desk, how.config.base, how.folder)
    return ground(desk, how.base or whole or _base(desk, found), Path.cwd())


def _learned_from(config: TrainConfig, folder: Path) -> "Table | None":
    """The training rows, where they must say what the labels are."""
    from adapterhub.train.data.read import read
    from adapterhub.train.tasks.table import wanted_columns

    place = folder / config.data.train
    if config.data.labels or not {"label", "tags"} & wanted_columns(config).keys() or not place.exists():
        return None
    return read(place, config.data.train)


def _base(desk: Desk, found: tuple[Subject, ...]) -> str:
    """Where the base lies that an adapter is pinned to."""
    for one in found:
        pin = one.entry.manifest.base or gather(one.entry.notes).pin
        card = kept_card(desk, Digest.parse(pin.card)) if pin and pin.card else None
        if card and card.source and readable(desk, card) and (word := _word(desk, card.source)):
            return word
    raise NotFound(
        f"{', '.join(one.label for one in found)}: the base it was trained on is not known on this machine",
        hint="say where it is: `adapterhub base add ./base`, or --base ./base",
    )


def _word(desk: Desk, source: str) -> str | None:
    """The source of a card as a word: a folder, or an entry by its name, if it has one still."""
    if not source.startswith("sha256:"):
        return source
    return next((str(one.reference) for one in desk.store.list() if str(one.digest) == source), None)
