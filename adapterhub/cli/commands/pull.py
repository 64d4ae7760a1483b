"""`adapterhub pull`: remote to store."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import moves
from adapterhub.cli.options import run_of
from adapterhub.cli.progress import bars

EXAMPLES = (
    "adapterhub pull ada/poet",
    "adapterhub pull ada/poet@1 ada/chat@prod --from team",
    "adapterhub pull team:ada/poet",
)


def command(
    ctx: Context,
    references: Annotated[list[str], Argument(metavar="REF…", help="What to fetch: [remote:]namespace/name[@pin].")],
    source: Annotated[
        str | None, Option("--from", metavar="R", help="The remote; else the only one, else `origin`.")
    ] = None,
) -> None:
    """Fetch entries from another registry into the store.

    Only bytes that are missing here are sent; every digest is checked; an interrupted pull goes on where it stopped.
    """
    run = run_of(ctx)
    with bars() as progress:
        moved = run.hub().pull(references, source, progress=progress)
    run.answer(moved, moves.print_pulled)
