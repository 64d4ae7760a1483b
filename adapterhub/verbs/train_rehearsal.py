"""What would stop a run at its first step, its first validation or its end, tried before any: nothing is trained.

A program that is to be told must be installed, a state that is kept must be of this run, pictures and sounds must be
readable, and the metrics must be there.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from adapterhub.finding import Finding
from adapterhub.verbs.train_told import no_numbers

if TYPE_CHECKING:
    from adapterhub.train.engine.state import Keeper
    from adapterhub.train.engine.world import World
    from adapterhub.train.prepare import Prepared

__all__ = ["rehearse"]

MANY = 5000
"""Pictures or sounds to read of which a word is said: it takes a while."""


def rehearse(
    ready: "Prepared", keeper: "Keeper", world: "World", tell: Callable[[str], None] | None = None
) -> tuple[Finding, ...]:
    """What is odd about what was measured; each process calls it. Raises what the run itself would raise later."""
    from adapterhub.train.watch.plugs.table import check

    world.of_first(lambda: check(ready.config.report))
    goes_on = world.of_first(lambda: keeper.read() is not None)
    _read_once(ready, world, tell if world.first else None, again=goes_on)
    return () if goes_on or _known(ready) else _measured_once(ready, world)


def _read_once(ready: "Prepared", world: "World", tell: Callable[[str], None] | None, *, again: bool) -> None:
    """Each picture and sound as a step would read it, a share in each process; again, those that may be others now."""
    from adapterhub.train.data.read import media
    from adapterhub.train.faults import of_each
    from adapterhub.train.tasks.table import wanted_columns

    if not media(wanted_columns(ready.config)):
        return
    measured = ready.measured or ()
    examples: Sequence[Any] = measured if again else (*ready.job.examples, *(ready.held_out or ()), *measured)
    if tell and len(examples) >= MANY:
        tell(f"reading {len(examples):,} pictures or sounds, so that none that is broken stops the run later")

    def read(example: Any) -> None:
        ready.job.collate([example])

    ours = ":" not in ready.config.task
    world.each(lambda: of_each(read, examples[world.rank :: world.size], threads=ours))


def _known(ready: "Prepared") -> bool:
    """A task of ours measures what it says it does. What one's own measures shows where it is asked."""
    return ":" not in ready.config.task and ready.config.validation.metric in (None, ready.job.metric)


def _measured_once(ready: "Prepared", world: "World") -> tuple[Finding, ...]:
    """The metrics are those of the first validation; without one, of the entry. Of no rows there are none."""
    from adapterhub.train.engine.progress import Progress, judged
    from adapterhub.train.measure import measure

    job = ready.job
    job.model.eval()
    if job.validate:
        found = job.validate()
    elif ready.measured:
        found = measure(ready.task, job.model, ready.measured, job.device, world).metrics
    else:
        return ()
    judged(Progress(), found, job.compared, asked=ready.config.validation, optim=job.optim)
    return no_numbers(found, "before the first step")
