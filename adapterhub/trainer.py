"""The part of the front door that trains and measures; `Hub` is it too."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from adapterhub.errors import WrongUsage
from adapterhub.finding import Finding
from adapterhub.reference import home_path
from adapterhub.verbs.desk import Desk, PathLike, as_word

if TYPE_CHECKING:
    from adapterhub.train.config import TrainConfig
    from adapterhub.train.resources.plan import TrainPlan
    from adapterhub.train.watch.record import Watcher
    from adapterhub.verbs.compress import Compressed
    from adapterhub.verbs.evaluate import Evaluated
    from adapterhub.verbs.forgetting import Remembered
    from adapterhub.verbs.side_by_side import SideBySide
    from adapterhub.verbs.train_search import Searched
    from adapterhub.verbs.trained import Trained

Config: TypeAlias = "PathLike | Mapping[str, Any] | TrainConfig"
"""A file, its fields, or a config that was made of them."""

__all__ = ["Trainer"]


class Trainer:
    """Data in, an entry out."""

    desk: Desk

    def train(
        self,
        config: "Config",
        *,
        method: str | None = None,
        follows: str | None = None,
        checkpoint_every: int | None = None,
        restart: bool = False,
        watchers: "Sequence[Watcher]" = (),
        tell: "Callable[[str], None] | None" = None,
        **changes: Any,
    ) -> "Trained | None":
        """Train what a config file (or its fields) asks for, and publish the result as an entry.

        A run that was killed goes on from its last checkpoint when it is asked for again, to the same bytes; `restart`
        forgets it. `method` trains by another method than the config says, and leaves out the fields that mean nothing
        to it. `follows` is an entry to go on from: a new version with that parent. `changes` replace fields of
        the config, `optim.lr` is written `optim={"lr": …}`. `tell` hears a line about what begins, and one for each
        finding about rows and settings. Under torchrun the processes but the first get None.
        """
        from adapterhub.verbs.train import train
        from adapterhub.verbs.train_run import Training

        asked, folder, odd = _switched(config, changes, method)
        return train(self.desk, asked, Training(folder, follows, checkpoint_every, restart, watchers, tell, odd))

    def train_plan(
        self,
        config: "Config",
        *,
        method: str | None = None,
        follows: str | None = None,
        **changes: Any,
    ) -> "TrainPlan | None":
        """What `train` would take: steps, memory told apart, seconds, the size of the file. Nothing is trained.

        Under torchrun all processes are planned for, and those but the first get None.
        """
        from adapterhub.verbs.train_plan import train_plan
        from adapterhub.verbs.train_run import Training

        asked, folder, odd = _switched(config, changes, method)
        return train_plan(self.desk, asked, Training(folder, follows, findings=odd))

    def train_search(
        self,
        config: "Config",
        *,
        method: str | None = None,
        follows: str | None = None,
        restart: bool = False,
        watchers: "Sequence[Watcher]" = (),
        tell: "Callable[[str], None] | None" = None,
        **changes: Any,
    ) -> "Searched | None":
        """Try learning rates and ranks on the validation rows; nothing is published.

        The config's `search` names them; without it five rates around `optim.lr`, at the rank of the config.
        """
        from adapterhub.verbs.train_run import Training
        from adapterhub.verbs.train_search import search

        asked, folder, odd = _switched(config, changes, method)
        how = Training(folder, follows, restart=restart, watchers=watchers, tell=tell, findings=odd)
        return search(self.desk, asked, how)

    def evaluate(
        self,
        expression: str,
        data: PathLike,
        *,
        base: PathLike | None = None,
        config: "Config | None" = None,
        device: str | None = None,
        choose: str | None = None,
    ) -> "Evaluated":
        """Measure an adapter, a model, a folder or an expression on rows; one entry alone gets a note.

        Task, columns and labels are those it was trained with, unless a config says others; the base is the one it is
        pinned to, where it is known on this machine, unless another is given. Heads are never blended: of several
        adapters with one, `choose` says whose it is.
        """
        from adapterhub.verbs.case import Evaluation
        from adapterhub.verbs.evaluate import evaluate

        other, folder = _asked(config) if config is not None else (None, Path.cwd())
        word = as_word(base) if base is not None else None
        asked = Evaluation(home_path(data), word, other, device, folder, choose=choose)
        return evaluate(self.desk, expression, asked)

    def evaluate_all(
        self,
        expressions: Sequence[str],
        data: PathLike,
        *,
        base: PathLike | None = None,
        config: "Config | None" = None,
        device: str | None = None,
        choose: str | None = None,
        picture: PathLike | None = None,
    ) -> "SideBySide":
        """Measure several on the same rows: metrics, what each cost, and how far each is from the first.

        The difference is that of the task's metric, row by row, with the interval of a paired bootstrap. Each is
        measured as `evaluate` does and noted there; `picture` is a PNG to draw them to.
        """
        from adapterhub.verbs.case import Evaluation
        from adapterhub.verbs.side_by_side import side_by_side

        other, folder = _asked(config) if config is not None else (None, Path.cwd())
        word = as_word(base) if base is not None else None
        asked = Evaluation(home_path(data), word, other, device, folder, choose=choose)
        return side_by_side(self.desk, expressions, asked, home_path(picture) if picture is not None else None)

    def forgetting(
        self,
        word: str,
        data: Sequence[PathLike],
        *,
        ancestors: bool = False,
        metric: str = "",
        base: PathLike | None = None,
        config: "Config | None" = None,
        device: str | None = None,
    ) -> "Remembered":
        """Measure an entry on the rows of each task; with `ancestors` also those it was continued from.

        The rows come in the order in which the tasks were learned. With a version for each task that gives average,
        forgetting and backward transfer, noted as metrics of the entry. Task and columns are those it was trained with,
        unless a config says others. What was measured before is not measured again, but where a config is given.
        """
        from adapterhub.verbs.case import Evaluation
        from adapterhub.verbs.forgetting import remembered

        other, folder = _asked(config) if config is not None else (None, Path.cwd())
        how = Evaluation(Path(), as_word(base) if base is not None else None, other, device, folder)
        return remembered(self.desk, word, data, how, ancestors=ancestors, metric=metric)

    def compress(
        self,
        model: PathLike,
        name: str,
        *,
        prune: float | None = None,
        per: Literal["global", "layer"] = "global",
        adapter: str | None = None,
        recover: "Config | None" = None,
        quantize: Literal["int8"] | None = None,
        calibration: str | None = None,
        inputs: PathLike | None = None,
        data: PathLike | None = None,
        config: "Config | None" = None,
        keep: Sequence[str] = (),
        device: str | None = None,
        progress: "Callable[[int, int], None] | None" = None,
    ) -> "Compressed":
        """A model made small, as a new entry of kind model: pruned, recovered, in eight bits; what it lost is told.

        `prune` is the share of weights that become zero, the smallest of all or `per` layer. `recover` is a config of
        `train`, whose adapter is trained under the mask of the zeros and put into the weights; `adapter` is an
        expression instead of it. `inputs` are rows to calibrate activations on, `data` rows to measure on; their task
        is that of `config`, else the one the model was trained for. Modules that match `keep` stay as they are.
        """
        from adapterhub.verbs.compress import Compression, compress
        from adapterhub.verbs.recovered import Recovery

        asked = Compression(
            prune=prune,
            per=per,
            adapter=adapter,
            recover=Recovery(*_asked(recover)) if recover is not None else None,
            quantize=quantize,
            calibration=calibration,
            inputs=home_path(inputs) if inputs is not None else None,
            data=home_path(data) if data is not None else None,
            config=_asked(config)[0] if config is not None else None,
            keep=tuple(keep),
            device=device,
        )
        return compress(self.desk, as_word(model), name, asked, progress)


def _asked(config: "Config", changes: Mapping[str, Any] | None = None) -> "tuple[TrainConfig, Path]":
    """The config with its changes, and the folder its paths are relative to."""
    from adapterhub.verbs.train_config import config_of, read_config

    if isinstance(config, str | Path):
        asked, folder = read_config(config)
    else:
        asked, folder = config_of(config if isinstance(config, Mapping) else config.model_dump()), Path.cwd()
    return (config_of(_changed(asked.model_dump(), changes)) if changes else asked), folder


def _switched(
    config: "Config", changes: Mapping[str, Any], method: str | None
) -> "tuple[TrainConfig, Path, tuple[Finding, ...]]":
    """The same by another method; what that has no use for has its default again, which is told."""
    from adapterhub.train.methods.table import switched
    from adapterhub.verbs.train_config import config_of

    if method is None:
        return *_asked(config, changes), ()
    if "method" in (changes.get("adapter") or {}):
        raise WrongUsage("method and adapter.method are both given", hint="leave one of them out")
    asked, folder = _asked(config)
    asked, idle = switched(asked, method)
    told = (
        Finding(check="left-out", severity="info", place=name, message=f"means nothing to {method}, and is left out")
        for name in idle
    )
    return config_of(_changed(asked.model_dump(), changes)), folder, tuple(told)


def _changed(fields: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with some replaced; those inside a field one by one. A length takes the place of the other length."""
    inner = {
        name: {**fields[name], **value} if isinstance(value, Mapping) and isinstance(fields.get(name), dict) else value
        for name, value in changes.items()
    }
    asked = changes.get("optim")
    if isinstance(asked, Mapping):
        for one, other in (("steps", "epochs"), ("epochs", "steps")):
            if asked.get(one) is not None and other not in asked:
                inner["optim"][other] = None
    return {**fields, **inner}
