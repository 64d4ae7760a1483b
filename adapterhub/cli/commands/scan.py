"""`adapterhub scan`: what lies below a folder."""

from typing import Annotated

from typer import Argument, Context, Exit, Option

from adapterhub.cli import finds
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
    same bytes. With --add, what the store has already is left as it is, and what cannot be added stops nothing else;
    the exit code is then that of the error it met, the highest of several.
    """
    from adapterhub.verbs.scan import check_template

    run = run_of(ctx)
    if name is not None and not add:
        raise WrongUsage(
            "--name means something only with --add", hint=f"adapterhub scan {paths[0]} --add --name {name}"
        )
    hub = run.hub()
    if name is not None:
        check_template(hub.desk, name)
    with line("looking at") as progress:
        found = hub.scan(paths, progress)
    known = sum(bool(row.reference) for row in found)
    if add:
        found = list(hub.scan_add(found, name))
    run.answer(found, lambda found: finds.print_scanned(found, paths))
    if add:
        finds.say_added(found, known)
        raise Exit(finds.worst(found))
