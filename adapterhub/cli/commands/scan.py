"""`adapterhub scan`: what lies below a folder."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import rows
from adapterhub.cli.options import run_of
from adapterhub.cli.progress import line
from adapterhub.errors import WrongUsage

EXAMPLES = ("adapterhub scan ~/runs", "adapterhub scan ~/runs --add --name 'ada/{folder}'")


def command(
    ctx: Context,
    paths: Annotated[list[str], Argument(metavar="PATH…", help="Folders to look into.")],
    add: Annotated[bool, Option("--add", help="Add everything that is found.")] = False,
    name: Annotated[
        str | None,
        Option(
            metavar="TEMPLATE",
            help="With --add: names made of {folder}, {parent} and {grandparent}; else {parent}/{folder}.",
        ),
    ] = None,
) -> None:
    """Find every adapter below a folder, and add them all if asked.

    Nothing is copied without --add: a table shows format, rank, base and health of each, and which of them are the
    same bytes.
    """
    run = run_of(ctx)
    if name and not add:
        raise WrongUsage(
            "--name means something only with --add", hint=f"adapterhub scan {paths[0]} --add --name {name}"
        )
    hub = run.hub()
    with line("looking at") as progress:
        found = hub.scan(paths, progress)
    if add:
        added = {item.path: item for item in hub.scan_add(found, name)}
        found = [added.get(item.path, item) for item in found]
    run.answer(found, rows.print_scanned)
