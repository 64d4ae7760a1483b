"""`adapterhub tag`: words to find an entry by."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import sheet
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Reference

EXAMPLES = ("adapterhub tag ada/poet candidate english", "adapterhub tag ada/poet reviewed --drop candidate")


def command(
    ctx: Context,
    reference: Reference,
    tags: Annotated[list[str] | None, Argument(metavar="[TAG]…", help="Words to find it by.")] = None,
    drop: Annotated[list[str] | None, Option(metavar="TAG", help="Take this tag away; may be repeated.")] = None,
) -> None:
    """Tag an entry, or take tags away.

    A tag is no new version: the entry keeps its digest.
    """
    run = run_of(ctx)
    hub = run.hub()
    listed = hub.tag(reference, tags or (), drop or ())
    run.answer(hub.show(str(listed.reference)), sheet.print_tags)
