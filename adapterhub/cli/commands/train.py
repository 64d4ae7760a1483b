"""`adapterhub train`: rows in, an entry out."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli.options import run_of

EXAMPLES = (
    "adapterhub train run.yaml --init text-classification",
    "adapterhub train run.yaml --plan",
    "adapterhub train run.yaml",
    "adapterhub train run.yaml --set optim.lr=1e-3 --set adapter.rank=16",
    "adapterhub train run.yaml --method full --set name=ada/whole",
    "adapterhub train more.yaml --continue ada/topic@1",
    "torchrun --nproc_per_node=2 -m adapterhub train run.yaml",
)


def command(
    ctx: Context,
    config: Annotated[
        Path | None, Argument(metavar="[CONFIG.yaml]", help="What is asked; its paths are relative to its folder.")
    ] = None,
    init: Annotated[
        str | None, Option("--init", metavar="TASK", help="Write a commented config for a task, and end.")
    ] = None,
    plan: Annotated[bool, Option("--plan", help="Say what it would take: steps, memory, time. Train nothing.")] = False,
    search: Annotated[
        bool, Option("--search", help="Try the config's learning rates and ranks on the validation rows.")
    ] = False,
    method: Annotated[
        str | None, Option(metavar="M", help="Train by this method; fields it has no use for are left out.")
    ] = None,
    follows: Annotated[
        str | None, Option("--continue", metavar="REF", help="Go on from this entry; it becomes the parent.")
    ] = None,
    checkpoint_every: Annotated[
        int | None, Option(metavar="N", min=1, help="Steps between checkpoints; once a minute unless given.")
    ] = None,
    memory: Annotated[
        str | None, Option(metavar="SIZE", help="The most memory a process may use, such as 2GB.")
    ] = None,
    set_: Annotated[
        list[str] | None, Option("--set", metavar="FIELD=V", help="Another value for a field; may be repeated.")
    ] = None,
    restart: Annotated[bool, Option("--restart", help="Begin again, whatever was kept of an earlier start.")] = False,
) -> None:
    """Train an adapter: rows in, an entry with its metrics out.

    Its base is pinned by content, its data by digest, and what it is told to be worth was measured on its own files.

    A run that was killed goes on from its last checkpoint when the same command is given again, and ends with the
    same bytes. Every mistake in the config or the data is told before anything is trained.
    """
    from adapterhub.cli import training_words
    from adapterhub.cli.training_run import train, write_template

    run = run_of(ctx)
    if init is not None:
        write_template(run, init, config)
        return
    asked = training_words.Words(
        training_words.insist(config), "plan" if plan else "search" if search else "train", method, follows, memory,
        tuple(set_ or ()), restart=restart, checkpoint_every=checkpoint_every,
    )  # fmt: skip
    train(run, asked)
