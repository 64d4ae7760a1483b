"""`adapterhub push`: store to remote."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import moves
from adapterhub.cli.options import run_of

EXAMPLES = (
    "adapterhub push ada/poet",
    "adapterhub push ada/poet ada/chat@2 --to team",
    "adapterhub push 'ada/*' --to team",
    "adapterhub push ada/poet --next --alias prod",
    "adapterhub push ada/poet --to hf --public",
)


def command(
    ctx: Context,
    references: Annotated[list[str], Argument(metavar="REF…", help="What to send: namespace/name[@pin].")],
    to: Annotated[str | None, Option("--to", metavar="R", help="The remote; else the only one, else `origin`.")] = None,
    next: Annotated[bool, Option("--next", help="Take the next free integer where the version is taken.")] = False,
    alias: Annotated[
        list[str] | None, Option(metavar="A", help="Point this alias at it there, too; may be repeated.")
    ] = None,
    public: Annotated[
        bool,
        Option(
            "--public",
            help="Let everybody see what is new on a Hub; else it is private. A server of ours wants an admin's token.",
        ),
    ] = False,
) -> None:
    """Send entries from the store to another registry.

    Only bytes that are missing there are sent, files first and names last: nobody ever sees half an entry. On a Hub
    (hub+https://…, or `hf` for huggingface.co) it becomes a model repository: one commit, and a tag for the version.
    With a star, in quotes, a word is every entry that it matches: 'ada/*' the newest of each adapter, 'ada/*@*' every
    version.
    """
    run = run_of(ctx)
    with moves.moving() as progress:
        moved = run.hub().push(references, to, next_version=next, aliases=alias or (), public=public, progress=progress)
    run.answer(moved, lambda pushed: moves.print_pushed(pushed, alias or ()))
