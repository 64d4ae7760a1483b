"""The loop: step by step through a job, watched, kept, cut and taken up again.

from adapterhub.train.engine.fit import fit
from adapterhub.train.engine.job import Job

fit(Job(model, loss, examples, collate, optim=OptimConfig(lr=1e-3, batch=32, epochs=3)))
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import nan
from typing import final

from adapterhub.train.engine import optimizer
from adapterhub.train.engine.average import average
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.progress import Progress, judged
from adapterhub.train.engine.schedule import factor
from adapterhub.train.engine.state import Keeper, State
from adapterhub.train.engine.step import Gradient, Stepper
from adapterhub.train.engine.world import ALONE, World
from adapterhub.train.resources.memory import fresh_peak, process_peak
from adapterhub.train.resources.precision import Precision
from adapterhub.train.watch.record import Begun, Ended, Stepped, Validated, Watchers

__all__ = ["Interrupted", "Run", "fit"]

SECONDS = 60.0
"""Between two checkpoints, where no number of steps is asked for."""


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, and its state is kept."""


@final
@dataclass(frozen=True)
class Run:
    """Who watches a job and where its state is kept; `every` is steps between checkpoints. `micro`: see `Stepper`."""

    micro: int | None = None
    world: World = ALONE
    keeper: Keeper | None = None
    every: int | None = None
    watchers: Watchers = field(default_factory=lambda: Watchers(()))
    begun: Begun = field(default_factory=lambda: Begun(of=0))


def fit(job: Job, run: Run | None = None) -> Progress:
    """Train a job's model in place, from where its last checkpoint is; what is kept at the end is in the model.

    Raises `Diverged` when the loss or its gradient is no number, `Conflict` when the checkpoint is of another run. The
    same job gives the same bytes however often it was killed on the way.
    """
    return _Loop(job, run or Run()).run()


class _Loop:
    def __init__(self, job: Job, run: Run) -> None:
        self.job, self.how = job, run
        made, precision = optimizer.build(job), Precision(job.optim.precision, job.device, summed=job.optim.batch)
        optimizer.restore(made, job.trained, job.moments)
        micro = run.micro or job.optim.micro_batch or job.optim.batch
        self.stepper = Stepper(job, made, precision, run.world, micro)
        self.state = State(job, made, precision)
        self.kept_at = time.monotonic()
        self.waits = False
        self.wrong: Exception | None = None

    def run(self) -> Progress:
        job, how, state = self.job, self.how, self.state
        fresh_peak(job.device)
        if how.keeper and how.keeper.load(state, how.world):
            self.stepper.micro = min(self.stepper.micro, state.progress.micro)
        how.world.same([weight.data for weight in job.trained.values()])
        how.watchers.begin(how.begun.model_copy(update={"step": state.progress.step, "of": job.steps}))
        reason, message = "failed", ""
        job.model.train()
        try:
            with _asked_to_stop(lambda: setattr(self, "waits", True)):
                while state.progress.step < job.steps and not state.progress.stopped:
                    self._step()
            reason = "no longer better" if state.progress.stopped else "finished"
        except KeyboardInterrupt:
            reason = "interrupted"
            raise
        except Exception as error:
            message = str(error)
            raise
        finally:
            self._end(reason, message)
        return self._kept()

    def _step(self) -> None:
        began, state, job = time.monotonic(), self.state, self.job
        step = state.progress.step
        rate = job.optim.lr * factor(job.optim, step, job.steps) * state.progress.rate
        optimizer.set_rate(state.optimizer, rate)
        found = self._alone(step) if job.sync else self._go(step)
        gap = self._meet(step + 1) if job.sync else None
        seconds = time.monotonic() - began
        state.progress = state.progress.model_copy(
            update={
                "step": step + 1,
                "seconds": state.progress.seconds + seconds,
                "micro": self.stepper.micro,
                "gap": gap,
            }
        )
        self._tell(found, rate, seconds)
        if self._validates(step + 1):
            self._validate()
        self._keep()

    def _go(self, step: int) -> Gradient:
        """Along the gradient of a step."""
        found = self.stepper(step)
        while not self.stepper.advance():  # too large for fp16: the same batch at half the scale, so that none is lost
            found = self.stepper(step)
        for part in self.job.parts:
            part.after_step(step + 1)
        self.stepper.clear()
        return found

    def _alone(self, step: int) -> Gradient:
        """The same in a process that trains apart; what goes wrong there all hear where they meet."""
        found = Gradient(nan, nan, 0)
        if self.wrong is None:
            try:
                found = self._go(step)
            except Exception as error:
                self.wrong = error
        if not self._apart(step + 1):
            self.how.world.each(self._confess)
        return found

    def _confess(self) -> None:
        if self.wrong is not None:
            raise self.wrong

    def _meet(self, step: int) -> float | None:
        """Come to a common state where it is time to; the largest gap so far."""
        before = self.state.progress.gap
        now = None if self._apart(step) else average(self.state, self.how.world)
        return max((gap for gap in (before, now) if gap is not None), default=None)

    def _apart(self, step: int) -> bool:
        """Whether the processes have no common state after a step: no checkpoint, no validation and no end is there."""
        return step % (self.job.sync or 1) > 0 and step != self.job.steps

    def _tell(self, found: Gradient, rate: float, seconds: float) -> None:
        step, batches = self.state.progress.step, self.job.batches
        self.how.watchers.step(
            Stepped(
                step=step,
                of=self.job.steps,
                epoch=step / batches.per_epoch,
                loss=found.loss,
                lr=rate,
                grad_norm=found.norm,
                examples=len(batches.at(step - 1)),
                seconds=seconds,
            )
        )

    def _validates(self, step: int) -> bool:
        if self.job.validate is None or self._apart(step):
            return False
        every = self.job.validation.every or self.job.batches.per_epoch
        before = step - (self.job.sync or 1)  # where one fell due since the last meeting, it is made at this one
        return step // every > before // every or step == self.job.steps

    def _validate(self) -> None:
        job, state, began = self.job, self.state, time.monotonic()
        assert job.validate is not None
        job.model.eval()
        metrics = job.validate()
        job.model.train()
        state.progress = judged(state.progress, metrics, job.compared, asked=job.validation, optim=job.optim)
        best = state.progress.best_step == state.progress.step
        if best and job.validation.keep == "best":
            state.remember()
        seconds = time.monotonic() - began
        state.progress = state.progress.model_copy(update={"seconds": state.progress.seconds + seconds})
        self.how.watchers.validated(
            Validated(step=state.progress.step, metrics=dict(metrics), best=best, seconds=seconds)
        )

    def _keep(self) -> None:
        """A checkpoint where one is due; a run that is asked to stop leaves one before it does."""
        keeper, world, step = self.how.keeper, self.how.world, self.state.progress.step
        if self._apart(step):
            return
        due = step % self.how.every == 0 if self.how.every else time.monotonic() - self.kept_at >= SECONDS
        # One process may be asked to stop a step before the others; and the clock is the first's.
        waits, due = world.any(self.waits, due and world.first)
        last = step >= self.job.steps or self.state.progress.stopped
        if keeper and (due or last or waits):
            world.of_first(lambda: keeper.save(self.state))
            self.kept_at = time.monotonic()
        if waits and not last:
            raise Interrupted(f"stopped after step {step}")

    def _kept(self) -> Progress:
        """What is kept, in the model."""
        if self.state.best:
            self.state.put(self.state.best)
        self.job.model.eval()
        return self.state.progress

    def _end(self, reason: str, message: str) -> None:
        progress = self.state.progress
        self.how.watchers.end(
            Ended.model_validate(
                {
                    "step": progress.step,
                    "reason": reason,
                    "best_step": progress.best_step,
                    "metrics": progress.best or progress.last,
                    "seconds": progress.seconds,
                    "peak_memory": process_peak(self.job.device),
                    "gap": progress.gap,
                    "message": message,
                }
            )
        )


@contextmanager
def _asked_to_stop(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and a polite kill let the step end; only the main thread hears signals. A second Ctrl-C ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def heard(number: int, _: object) -> None:
        stop()
        for one, old in before.items():
            signal.signal(one, old)

    for number in before:
        signal.signal(number, heard)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
