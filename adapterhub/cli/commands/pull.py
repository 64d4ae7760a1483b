"""`adapterhub pull`: remote to store."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import moves
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Require

EXAMPLES = (
    "adapterhub pull ada/poet",
    "adapterhub pull ada/poet@1 ada/chat@prod --from team",
    "adapterhub pull team:ada/poet --base ./llama",
    "adapterhub pull 'ada/*' --from team",
    "adapterhub pull hf:org/poet@v1.2",
    "adapterhub pull hf:org/many#poet ada/poet",
    "adapterhub pull https://huggingface.co/org/poet/tree/v1.2",
)


def command(
    ctx: Context,
    references: Annotated[
        list[str],
        Argument(
            metavar="REF…",
            help="What to fetch: [remote:]namespace/name[@pin], or hf:[org/]name[@revision][#folder] [NAME].",
        ),
    ],
    source: Annotated[
        str | None, Option("--from", metavar="R", help="The remote; else the only one, else `origin`.")
    ] = None,
    base: Annotated[
        list[str] | None, Option(metavar="B", help="Fetch only what fits this base, by its headers; may be repeated.")
    ] = None,
    require: Require = "drifted",
) -> None:
    """Fetch entries from another registry into the store.

    Only bytes that are missing here are sent; every digest is checked; an interrupted pull goes on where it stopped.
    From the Hub (hf:, which is huggingface.co or HF_ENDPOINT) any adapter repository comes, at any branch, tag or
    commit; the address of its page says the same. It is kept under org/name, or under the NAME that follows. A tag is a
    version; what has none gets the next integer. With --offline it is what huggingface_hub has downloaded before.
    With a star, in quotes, a word is every entry there that it matches: 'ada/*' the newest of each adapter, 'ada/*@*'
    every version. With --base the audit is asked first, and what fits worse than --require is not fetched (exit 6).
    """
    run = run_of(ctx)
    with moves.moving() as progress:
        moved = run.hub().pull(references, source, bases=base or (), require=require, progress=progress)
    run.answer(moved, moves.print_pulled)
