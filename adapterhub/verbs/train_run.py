"""One process of one run, from the config to the fitted model: checked, locked, kept, taken up again."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from adapterhub.errors import Conflict
from adapterhub.finding import Finding
from adapterhub.manifest import Parent
from adapterhub.reference import is_folder
from adapterhub.store.locks import alone_now
from adapterhub.train.config import TrainConfig
from adapterhub.train.run import Known, RunFolder
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.train_follow import earlier_of, over_another_base, replayed
from adapterhub.verbs.train_ground import Ground, ground, insist_on_place
from adapterhub.verbs.train_rehearsal import rehearse
from adapterhub.verbs.train_told import Opening, finding_line
from adapterhub.verbs.trained import decisive, portable

if TYPE_CHECKING:
    from adapterhub.train.data.split import Splits
    from adapterhub.train.earlier import Earlier
    from adapterhub.train.engine.progress import Progress
    from adapterhub.train.engine.state import Keeper
    from adapterhub.train.engine.world import World
    from adapterhub.train.prepare import Prepared
    from adapterhub.train.watch.plugs.table import Guarded
    from adapterhub.train.watch.record import Begun, Watcher, Watchers

__all__ = ["TrainRun", "Training"]


@final
@dataclass(frozen=True)
class Training:
    """How a config is run: relative paths begin in `folder`; `every` is steps between checkpoints.

    `follows` is the entry whose weights the run begins with. `restart` forgets an earlier state of the same run.
    `tell` hears, a line each, what there is to know before the first step.
    """

    folder: Path
    follows: str | None = None
    every: int | None = None
    restart: bool = False
    watchers: "Sequence[Watcher]" = ()
    tell: Callable[[str], None] | None = None
    findings: tuple[Finding, ...] = ()
    """What is odd about what was asked."""
    told: set[tuple[str, str]] = field(default_factory=set)
    """Check and place of what was told: most of what is odd about one run of a search is so of all."""


@final
class TrainRun:
    """A run. Entering a stage that fails in one process fails in all."""

    def __init__(self, desk: Desk, config: TrainConfig, how: Training, world: "World") -> None:
        self.desk, self.config, self.how, self.world = desk, config, how, world
        self.plugs: tuple[Guarded, ...] = ()
        """The programs that are told of the run; what they come to stands in their findings."""

    def open(self, held: ExitStack, *, alone: bool = True) -> None:
        """Everything that shows without a model: rows, base, and that nobody else runs this; `held` is for its end."""
        from adapterhub.train.resources.device import pick
        from adapterhub.train.resources.memory import tight_allocation
        from adapterhub.train.resources.precision import deterministic

        device = self.world.each(lambda: pick(self.config.device, process=self.world.local_rank))
        self.world.each(lambda: self.rows)
        _ = self.ground
        if alone:
            self.world.of_first(lambda: self._lock(held))
            self.world.of_first(self.folder.tidy)
        if self.how.restart:
            self.world.of_first(self.folder.forget)
        self.world.of_first(self.folder.insist_on_files)
        self._agree()
        self.world.of_first(lambda: self.findings)
        held.enter_context(deterministic(device=device))
        if self.config.memory:
            held.enter_context(tight_allocation())

    @cached_property
    def earlier(self) -> "Earlier | None":
        """The entry the run goes on from."""
        return earlier_of(self.desk, self.how.follows) if self.how.follows is not None else None

    @cached_property
    def own(self) -> "Splits":
        """The rows the config names."""
        from adapterhub.train.prepare import read_rows

        return read_rows(self.config, self.how.folder)

    @cached_property
    def rows(self) -> "Splits":
        """The same, and among the training rows those of earlier tasks that are learned again."""
        return replayed(self.config, self.own, self.earlier, self.folder)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd about what was asked, and about the rows."""
        from adapterhub.train.tasks.known import odd_labels

        other = over_another_base(self.earlier, self.ground.card, self.config) if self.earlier else ()
        return (
            *self.how.findings,
            *other,
            *self.rows.leaks(),
            *odd_labels(self.config, self.rows.train, self.ground.folder),
        )

    def warn(self) -> None:
        """Tell it, once for all processes."""
        self._tell(self.findings)

    def _tell(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if self.how.tell and self.world.first and (finding.check, finding.place) not in self.how.told:
                self.how.told.add((finding.check, finding.place))
                self.how.tell(finding_line(finding))

    @cached_property
    def ground(self) -> Ground:
        """The base, which every machine has for itself; the first process looks first, and what it hashed is known."""
        look = partial(ground, self.desk, self.config.base, self.how.folder)
        told = self.world.of_first(look)
        return self.world.each(lambda: told if self.world.first else look())

    @cached_property
    def folder(self) -> RunFolder:
        """Where the run keeps its state: what decides its result decides the folder."""
        where = {"folder": str(self.how.folder.absolute()), "follows": self.how.follows or ""}
        return RunFolder.of(self.desk.store.layout.runs, decisive(self.config) | where)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must be the same when the run goes on."""
        earlier = {"earlier": str(self.earlier.entry.digest)} if self.earlier else {}
        rows = {name: said for name, said in self.data.items() if name != "test data"}  # which decide nothing
        return {"base": self.ground.card.weights_digest, **rows, **earlier}

    @property
    def data(self) -> dict[str, str]:
        """The rows of each split, by digest."""
        return {f"{name} data": f"{said['count']} rows, {said['rows']}" for name, said in self.rows.digests.items()}

    @property
    def known(self) -> Known:
        """What is known of this very run, on these very rows, from earlier; nothing where it was another's."""
        found = self.folder.read()
        return found if found.identity == self.identity else Known()

    @cached_property
    def ready(self) -> "Prepared":
        """The job, with the weights it begins with."""
        from adapterhub.train.prepare import prepare

        config = self.earlier.told(self.config) if self.earlier else self.config
        found = prepare(config, self.how.folder, self.ground.folder, self.world, self.rows, self.earlier)
        insist_on_place(found.attached, self.ground.card, self.config.name)
        return found

    @property
    def parents(self) -> tuple[Parent, ...]:
        """The adapter that is continued; of a whole model the one it was, where that is an entry."""
        if self.earlier:
            return (Parent(digest=str(self.earlier.entry.digest)),)
        whole = self.config.adapter.method == "full" and not is_folder(self.ground.word)
        return (Parent(digest=str(self.desk.find(self.ground.word)[0].digest)),) if whole else ()

    def fit(self) -> "Progress":
        """Train, from the last checkpoint if there is one."""
        from adapterhub.train.engine.fit import Run, fit

        self._tell(self.ready.findings)
        self._tell(self.rehearse())
        micro = self._micro()
        known = {"asked": self.config.plain(), "identity": self.identity, "micro_batch": micro}
        self.world.of_first(lambda: self.folder.write(self.known.model_copy(update=known)))
        watchers = self.world.each(self._watchers)
        how = Run(micro, self.world, self._keeper, self.how.every, watchers, self._begun(micro))
        return fit(self.ready.job, how)

    def rehearse(self) -> tuple[Finding, ...]:
        """What shows where the run is tried without a step."""
        return rehearse(self.ready, self._keeper, self.world, self.how.tell)

    @property
    def _keeper(self) -> "Keeper":
        from adapterhub.train.engine.state import Keeper

        # The folder is named by the config: a state that came from another folder is of another.
        return Keeper(self.folder.state, {**self.identity, "config": self.folder.path.name})

    def _agree(self) -> None:
        """`Conflict` where a process was given something else than the first."""
        asked = {**self.identity, **self.data, "config": portable(self.config, self.rows.digests)}
        first, *others = self.world.collect((platform.node(), dict(_flat(asked))))
        for rank, (node, told) in enumerate(others, 1):
            for key in dict.fromkeys((*first[1], *told)):
                if (here := told.get(key)) != (wanted := first[1].get(key)):
                    raise self.world.alike(
                        Conflict(
                            f"{key}: process {rank} ({node}) has {here}, and the first process ({first[0]}) {wanted}",
                            hint="give every process the same base, the same files and the same config",
                        )
                    )

    def _lock(self, held: ExitStack) -> None:
        self.desk.store.create()
        if not held.enter_context(alone_now(self.folder.path)):
            raise Conflict(
                "another process is training this very config", hint=f"wait for it; its log is {self.folder.log}"
            )

    def _micro(self) -> int:
        """How many examples are computed at once: as asked, else as before, or as many as memory holds, agreed by all.

        A run that goes on with a limit has never more than before, and fewer where the limit says so.
        """
        from adapterhub.train.micro_batch import micro_batch

        if self.config.optim.micro_batch:
            return self.config.optim.micro_batch
        before: int | None = self.world.of_first(lambda: self.known.micro_batch)
        if before and not self.config.memory:
            return before
        fits = self.world.each(lambda: micro_batch(self.ready, self.world, self.config.memory).size)
        agreed: int = min(self.world.collect(fits))
        return min(agreed, before or agreed)

    def _watchers(self) -> "Watchers":
        from adapterhub.train.watch.log import Log
        from adapterhub.train.watch.plugs.table import plugs
        from adapterhub.train.watch.record import Watchers

        if not self.world.first:
            return Watchers(())
        self.plugs = plugs(self.config.report, self.folder.path, self.config.plain()) if self.config.report else ()
        opening = (Opening(self.config, self.folder.log, self.how.tell),) if self.how.tell else ()
        return Watchers((Log(self.folder.log), *self.plugs, *opening, *self.how.watchers))

    def _begun(self, micro: int) -> "Begun":
        from adapterhub.train.resources.count import count
        from adapterhub.train.watch.record import Begun

        job = self.ready.job
        trainable, parameters = count(job.model)
        return Begun(
            of=job.steps,
            config=self.folder.path.name,
            name=self.config.name,
            examples=len(job.examples),
            trainable=trainable,
            parameters=parameters,
            batch=self.config.optim.batch,
            micro_batch=micro,
            processes=self.world.size,
            device=str(job.device),
            metric=job.compared.metric,
        )


def _flat(plain: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value under its whole name, as a config is written on one line: optim.lr."""
    for key, value in plain.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
