"""A training from the command line: watched on a terminal, told to people or as JSON."""

from pathlib import Path
from typing import Any

from adapterhub.cli.options import Run
from adapterhub.cli.output import say
from adapterhub.cli.training_words import Words
from adapterhub.errors import WrongUsage

__all__ = ["train", "write_template"]


def train(run: Run, words: Words) -> None:
    """Do what is asked; a run that is stopped says where."""
    common = {"method": words.method, "follows": words.follows}
    try:
        if words.what == "plan":
            _plan(run, words, common)
        elif words.what == "search":
            _search(run, words, common)
        else:
            _train(run, words, common)
    except KeyboardInterrupt as stopped:
        if str(stopped):  # the loop says where it stopped
            say(f"note: {stopped}; the same command goes on from there")
        raise


def _plan(run: Run, words: Words, common: dict[str, Any]) -> None:
    from adapterhub.cli.training import print_train_plan

    planned = run.hub().train_plan(words.config, **common, **words.changes)
    if planned is not None:
        run.answer(planned, print_train_plan)


def _train(run: Run, words: Words, common: dict[str, Any]) -> None:
    from adapterhub.cli.live_run import live_run
    from adapterhub.cli.trained import print_trained

    how = {**common, "checkpoint_every": words.checkpoint_every, "restart": words.restart}
    with live_run() as watcher:
        watchers = (watcher,) if watcher else ()
        trained = run.hub().train(words.config, watchers=watchers, tell=say, **how, **words.changes)
    if trained is not None:
        run.answer(trained, print_trained)


def _search(run: Run, words: Words, common: dict[str, Any]) -> None:
    from adapterhub.cli.live_run import live_run
    from adapterhub.cli.training_search import print_search

    how = {**common, "restart": words.restart}
    with live_run() as watcher:
        watchers = (watcher,) if watcher else ()
        report = run.hub().train_search(words.config, watchers=watchers, tell=say, **how, **words.changes)
    if report is None:
        return
    run.answer(report, print_search)
    say(f"as a picture: {report.picture}")
    if report.best is not None:
        say(f"the best of them: {words.again(report.best)}")


def write_template(run: Run, task: str, path: Path | None) -> None:
    """Write the template where it is wanted; nothing is overwritten."""
    from adapterhub.train.tasks.template import template

    text = template(task)
    told = {"task": task, "path": "" if path is None else str(path), "text": text}
    if path is None:
        run.answer(told, lambda _: print(text, end=""))
        return
    if path.exists():
        raise WrongUsage(f"{path} is there already", hint="give another name, or move it away")
    path.write_text(text, "utf-8")
    run.answer(told, lambda _: None)
    say(f"wrote {path}: set base, name and data in it, then `adapterhub train {path}`")
