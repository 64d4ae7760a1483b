"""`train`: rows in, an entry out, whatever happens on the way.

    config -> checks -> run folder -> fit (killed, taken up again) -> files -> measured on the pristine base -> entry

What is told of an entry was measured on its own files, as anybody will load them.
"""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.finding import Finding
from adapterhub.registry import find
from adapterhub.store.derived import facts_of
from adapterhub.train.config import TrainConfig
from adapterhub.train.metrics.finite import finite
from adapterhub.train.run import Outcome
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.measured import measured
from adapterhub.verbs.shown import Shown, shown
from adapterhub.verbs.taken import insist_on_free
from adapterhub.verbs.train_follow import keep
from adapterhub.verbs.train_run import Training, TrainRun
from adapterhub.verbs.train_told import no_numbers
from adapterhub.verbs.train_whole import complete, pinned
from adapterhub.verbs.trained import Trained, cost_of, machine_of, training_of, words_of

if TYPE_CHECKING:
    from adapterhub.train.engine.progress import Progress

__all__ = ["train"]


def train(desk: Desk, config: TrainConfig, how: Training) -> Trained | None:
    """Train and publish. In a run of several processes the first answers, the others None."""
    from adapterhub.train.engine.world import join

    world = join()
    with ExitStack() as held:
        run = TrainRun(desk, config, how, world)
        target = desk.target(config.name)
        run.open(held)
        if done := world.of_first(lambda: _published(run)):
            return done if world.first else None
        run.warn()
        made = world.each(lambda: Request(parents=run.parents, training=training_of(run.ready, {})))
        world.of_first(lambda: insist_on_free(desk, target, made))
        progress = run.fit()
        answer = world.of_first(lambda: _publish(run, progress))
    return answer if world.first else None


def _published(run: TrainRun) -> Trained | None:
    """The entry of this very run, where it ended earlier and is there still."""
    known, store = run.known, run.desk.store
    if known.published is None:
        return None
    digest, name = Digest.parse(known.published), run.desk.target(run.config.name).name
    for listed in store.list():
        if listed.digest == digest and listed.reference.name == name:
            listed, entry = find(store, listed.reference)
            if _tested(entry.manifest.training) != _tested({"data": run.rows.digests}):
                return None
            told = shown(listed, entry, facts_of(store, digest, entry))
            undrawn = _close(run) if run.folder.state.exists() else ()
            return _answer(run, told, known.ended, undrawn).model_copy(update={"again": True})
    return None


def _tested(training: Mapping[str, Any] | None) -> str | None:
    """The digest of the rows a result was measured on; they are none of what a run must have to go on."""
    found: str | None = (training or {}).get("data", {}).get("test", {}).get("rows")
    return found


def _answer(run: TrainRun, entry: Shown, ended: Outcome, undrawn: tuple[Finding, ...]) -> Trained:
    """The entry with how its run went, the same whenever the run is asked for."""
    findings = (*entry.findings, *run.findings, *ended.findings, *undrawn)
    return Trained(**{**dict(entry), **dict(ended), "findings": findings}, run=str(run.folder.path))


def _publish(run: TrainRun, progress: "Progress") -> Trained:
    from adapterhub.train.resources.memory import process_peak

    ready, full = run.ready, run.config.adapter.method == "full"
    cost = cost_of(ready, progress, process_peak(ready.job.device))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ready.attached.save(folder, run.ground.name)
        if full:
            complete(folder, run.ground.folder)
        said = keep(folder, ready, run.own, run.earlier, run.folder)
        found, rows = _measure(run, folder, progress)
        metrics = finite(found)
        (folder / "README.md").write_text(words_of(ready, run.ground.name, metrics, rows), "utf-8")
        request = Request(
            base=run.ground.word,
            metrics=metrics,
            tags=(ready.config.task,) if ":" not in ready.config.task else (),
            cost=cost,
            training=training_of(ready, machine_of(ready, progress, run.world.size)),
            parents=run.parents,
        )
        if full:
            request = pinned(run.desk, run.ground.card, request)
        added = add(run.desk, folder, run.config.name, request)
    known = {finding.check for finding in added.findings}  # its files may say the same of their rank
    new = (finding for finding in ready.findings if finding.check not in known)
    odd = no_numbers(found, f"on {rows}, and not in the entry")
    ended = Outcome(
        steps=progress.step,
        best_step=progress.best_step,
        validation=dict(progress.best or progress.last),
        sync_gap=progress.gap if ready.job.sync else None,
        findings=(*new, *said, *odd, *(one for plug in run.plugs for one in plug.findings)),
    )
    published = {"published": added.digest, "reference": added.reference, "ended": ended}
    run.folder.write(run.folder.read().model_copy(update=published))
    return _answer(run, added, ended, _close(run))


def _measure(run: TrainRun, folder: Path, progress: "Progress") -> tuple[dict[str, float], str]:
    """The metrics of what was written, and on which rows: the test's, else those of validation."""
    ready, full = run.ready, run.config.adapter.method == "full"
    table, examples = ready.rows.test or ready.rows.validation, ready.measured
    if table is None or not examples:
        return {}, ""
    base, word = (folder, None) if full else (run.ground.folder, str(folder))
    device, robust = ready.job.device, ready.config.robust
    found = measured(run.desk, ready.task, base, word, examples=examples, device=device, robust=robust)
    validation = {f"validation_{name}": value for name, value in (progress.best or progress.last).items()}
    metrics = {**found.metrics, **(validation if ready.rows.test else {})}
    return metrics, f"{len(table)} {'test' if ready.rows.test else 'validation'} rows"


def _close(run: TrainRun) -> tuple[Finding, ...]:
    """What comes once the entry is named: the curves, then the state goes. As long as it is there, this is to do."""
    undrawn = _draw(run)
    run.folder.state.unlink(missing_ok=True)
    return undrawn


def _draw(run: TrainRun) -> tuple[Finding, ...]:
    """The curves; that they cannot be drawn is a finding, for the entry is there."""
    from adapterhub.train.watch.curves import draw
    from adapterhub.train.watch.log import read

    try:
        draw(read(run.folder.log), run.folder.curves)
    except (AdapterHubError, OSError) as error:
        remedy = "the log holds every step"
        return (Finding(check="no-picture", severity="info", place="curves", message=str(error), remedy=remedy),)
    return ()
