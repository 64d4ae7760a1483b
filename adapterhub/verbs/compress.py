"""`compress`: a model made small, as an entry of its own; what it lost, and what it is still worth.

    model -> pruned -> recovered: adapters added under the mask -> eight bits -> entry

Every stage is optional and reads one tensor at a time. What is told of the result was measured on its files.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

from adapterhub.digest import Digest
from adapterhub.errors import WrongUsage
from adapterhub.finding import Finding
from adapterhub.manifest import Parent
from adapterhub.reference import is_folder, parse
from adapterhub.train.config import TrainConfig
from adapterhub.train.metrics.finite import finite
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.bases import base_add_card, card_bytes, card_for, other_base, pin_of
from adapterhub.verbs.compressed_worth import Worth, worth
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.live import Asked, asked, folder_of_base, insist_on_fit
from adapterhub.verbs.recovered import Recovered, Recovery, recover
from adapterhub.verbs.recovered import check as check_recovery
from adapterhub.verbs.shown import Shown
from adapterhub.verbs.taken import insist_on_free
from adapterhub.verbs.told import Told
from adapterhub.verbs.train_told import no_numbers

if TYPE_CHECKING:
    from adapterhub.train.compress.compare import Compared
    from adapterhub.train.compress.folders import Folder

__all__ = ["Compressed", "Compression", "compress"]

LOG = "compression.json"
"""Under this name a note tells what every tensor lost."""


class Compressed(Shown):
    """A model that was made small.

    `errors` and `sqnr` (decibels) are of each weight, `relative_error` of all, against the model that was given.
    `zeros` is the share of zeros among these weights. `before` are the metrics of the model that was given.
    """

    sqnr: dict[str, float] = {}
    zeros: float = 0.0
    bytes_before: int = 0
    bytes_after: int = 0
    before: dict[str, float] = {}


@final
@dataclass(frozen=True)
class Compression:
    """What is asked: how much is pruned, which adapters go under the mask, whether weights come into eight bits.

    `recover` trains such an adapter. `inputs` are rows that go through the model to calibrate its activations, which
    are then in eight bits too; `data` are rows to measure it on, before and after. The task of both is that of
    `config`, or the one the model or the adapters were trained for. Modules that match `keep` stay as they are.
    """

    prune: float | None = None
    per: Literal["global", "layer"] = "global"
    adapter: str | None = None
    recover: Recovery | None = None
    quantize: Literal["int8"] | None = None
    calibration: str | None = None
    inputs: Path | None = None
    data: Path | None = None
    config: TrainConfig | None = None
    keep: tuple[str, ...] = ()
    device: str | None = None

    @property
    def stages(self) -> int:
        """How many there are."""
        return sum(one is not None for one in (self.prune, self.adapter, self.recover, self.quantize))

    def check(self) -> None:
        """`WrongUsage` for what makes no sense together."""
        from adapterhub.train.compress.calibrate import METHODS
        from adapterhub.train.compress.prune import check

        if not self.stages:
            raise WrongUsage("nothing is to be done", hint="prune=0.9 (--prune 0.9), quantize=int8, or adapter=REF")
        if self.recover is not None:
            check_recovery(self.recover)
            if self.adapter is not None:
                raise WrongUsage("an adapter is given, and one is to be trained", hint="leave one of them out")
        if self.prune is not None:
            check(self.prune)
        if self.per not in ("global", "layer"):
            raise WrongUsage(f"per: got {self.per!r}, wanted global or layer", hint="global prunes small layers more")
        if self.quantize not in (None, "int8"):
            raise WrongUsage(f"quantize: got {self.quantize!r}, and only int8 is known", hint="write int8")
        if self.calibration not in (None, *METHODS):
            raise WrongUsage(f"no calibration is called {self.calibration!r}", hint=f"there are {', '.join(METHODS)}")
        if self.quantize is None and (self.calibration or self.inputs):
            raise WrongUsage("a calibration is for weights in eight bits", hint="add quantize=int8 (--quantize int8)")

    def recipe(self) -> dict[str, Any]:
        """What the manifest says was done."""
        said: dict[str, Any] = {"method": "compress", "keep": list(self.keep) or None}
        if self.prune is not None:
            said |= {"prune": self.prune, "per": self.per}
        if self.quantize:
            said |= {"quantize": self.quantize, "calibration": self.calibration or "minmax"}
        return {key: value for key, value in said.items() if value is not None}


def compress(
    desk: Desk, model: str, name: str, how: Compression, progress: Callable[[int, int], None] | None = None
) -> Compressed:
    """A new entry of kind model, whose parents are the model and the adapters; `model` is a folder or such an entry."""
    from adapterhub.train.compress.compare import compare
    from adapterhub.train.compress.folders import open_folder, read_folder

    how.check()
    target = desk.target(name)
    source = open_folder(folder_of_base(desk, model))
    wanted = asked(desk, how.adapter) if how.adapter else None
    config = how.config or (how.recover.config if how.recover else None)
    ruler = worth(desk, model, wanted, config, {"data": how.data, "inputs": how.inputs}, how.device)
    request = _request(desk, model, wanted, {**how.recipe(), **ruler.seen("inputs")})
    insist_on_free(desk, target, request)
    before, _ = ruler.metrics(source.path, model)
    card = card_for(desk, model)
    strange = [odd for one in (wanted.found if wanted else ()) for odd in other_base(one.label, one.entry, card)]
    with tempfile.TemporaryDirectory() as room:
        work = _Work(desk, how, ruler, Told(progress, source.size * how.stages), Path(room))
        final = work.run(source, wanted)
        found, (after, unmeasured) = compare(source, read_folder(final), how.keep), ruler.metrics(final, model)
        base_add_card(desk, card)
        metrics = {**_metrics(found), **after, **{f"before_{name}": value for name, value in before.items()}}
        made = replace(request, pin=pin_of(card), cards=(card_bytes(card),), metrics=finite(metrics))
        kept = add(desk, final, str(target), work.said_of_training(made))
    _note(desk, kept, found)
    work.clear()
    odd = no_numbers(metrics, "on these rows, and not in the entry")
    missed = (_headless(model, unmeasured),) if unmeasured else ()
    return _answer(
        kept.model_copy(update={"findings": (*kept.findings, *strange, *odd, *missed)}), found, finite(before)
    )


@final
class _Work:
    """The stages, each in a folder of its own."""

    def __init__(self, desk: Desk, how: Compression, ruler: Worth, told: Told, room: Path) -> None:
        self.desk, self.how, self.ruler, self.told, self.room = desk, how, ruler, told, room
        self.recovered: Recovered | None = None

    def run(self, source: "Folder", wanted: Asked | None) -> Path:
        """All that were asked for; the folder of the last."""
        from adapterhub.train.compress import stages
        from adapterhub.train.compress.folders import open_folder

        how, now = self.how, source
        if how.prune is not None:
            stages.prune(now, self.room / "pruned", how.prune, self.told, scope=how.per, keep=how.keep)
            now = open_folder(self.room / "pruned")
        if how.recover is not None:
            self.recovered = recover(self.desk, how.recover, now.path, self.room / "adapter")
            wanted = asked(self.desk, str(self.recovered.folder))
        if wanted is not None:
            self._fuse(wanted, now.path)
            fused, config = open_folder(self.room / "fused"), self.recovered.config if self.recovered else None
            stages.mask(now, fused, self.room / "recovered", self.told, keep=how.keep, config=config)
            now = open_folder(self.room / "recovered")
        if how.quantize:
            method = how.calibration or "minmax"
            scales = self.ruler.scales(now.path, method, how.keep)
            stages.quantise(now, self.room / "int8", self.told, method=method, scales=scales, keep=how.keep)
            return self.room / "int8"
        return now.path

    def _fuse(self, wanted: Asked, base: Path) -> None:
        from adapterhub.compose.checkpoints.fuse import fuse

        insist_on_fit(self.desk, wanted, str(base))
        fuse(wanted.parts(), base, self.room / "fused", recipe={}, choose=wanted.chosen, new_tensors=True)

    def said_of_training(self, made: Request) -> Request:
        """The request with what is said of the recovery, if there was one."""
        if self.recovered is None:
            return made
        return replace(made, training=self.recovered.training, cost=self.recovered.cost)

    def clear(self) -> None:
        """The state of a training is of no use when its result is published."""
        if self.recovered is not None:
            self.recovered.run.state.unlink(missing_ok=True)


def _request(desk: Desk, model: str, wanted: Asked | None, recipe: Mapping[str, Any]) -> Request:
    """Lineage and recipe; a model that lies in a folder is known by its base card alone."""
    parents = [] if is_folder(model) else [Parent(digest=str(desk.find(model)[0].digest))]
    if wanted is not None:
        both = zip(wanted.found, wanted.weights, strict=True)
        parents += [Parent(digest=one.digest, weight=weight) for one, weight in both]
    return Request(parents=tuple(parents), recipe=dict(recipe))


def _headless(model: str, why: str) -> Finding:
    return Finding(
        check="not-measured",
        severity="warning",
        place=model,
        message=f"{why}: what a drawn head says is nothing to measure",
        remedy="train it first, or --recover it, which trains a head too",
    )


def _metrics(found: "Compared") -> dict[str, float]:
    said = {
        "relative_error": found.loss.relative,
        "sqnr_db": found.loss.sqnr,
        "zeros": found.share,
        "bytes_before": found.bytes_before,
        "bytes_after": found.bytes_after,
    }
    return {name: float(value) for name, value in said.items() if value is not None}


def _errors(found: "Compared") -> tuple[dict[str, float], dict[str, float]]:
    """By tensor: relative errors; decibels, where something is lost."""
    errors = {name: loss.relative for name, loss in found.losses.items()}
    return errors, {name: loss.sqnr for name, loss in found.losses.items() if loss.sqnr is not None}


def _note(desk: Desk, kept: Shown, found: "Compared") -> None:
    errors, sqnr = _errors(found)
    said: dict[str, object] = {LOG: {"relative_error": errors, "sqnr_db": sqnr}}
    desk.store.note(parse(kept.reference), desk.store.say(Digest.parse(kept.digest), "log", said))


def _answer(kept: Shown, found: "Compared", before: Mapping[str, float]) -> Compressed:
    errors, sqnr = _errors(found)
    fields = {
        **dict(kept),
        "relative_error": found.loss.relative,
        "errors": errors,
        "sqnr": sqnr,
        "zeros": found.share,
        "bytes_before": found.bytes_before,
        "bytes_after": found.bytes_after,
        "before": dict(before),
    }
    return Compressed(**fields)
