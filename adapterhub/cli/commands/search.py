"""`adapterhub search`: find entries."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import rows
from adapterhub.cli.options import run_of

EXAMPLES = (
    "adapterhub search poet",
    "adapterhub search --where 'rank>=8 and accuracy>0.9'",
    "adapterhub search --base llama --target q_proj",
)


def command(
    ctx: Context,
    text: Annotated[
        str,
        Argument(
            metavar="[TEXT]",
            help="Words in the name, the type, the task, the tags, the targets or the base: all of them.",
        ),
    ] = "",
    base: Annotated[str, Option(metavar="B", help="Only entries for this base.")] = "",
    target: Annotated[str, Option(metavar="T", help="Only entries that change this module.")] = "",
    where: Annotated[
        str, Option(metavar="CONDITION", help="Facts and metrics, compared: 'rank>=8 and accuracy>0.9'.")
    ] = "",
) -> None:
    """Find entries by text, base, target or a condition.

    The index behind it is a cache: it follows the store by itself and is rebuilt whenever it is missing or old.

    A CONDITION is comparisons joined by and, or, not and parentheses; a text with spaces stands between quotes.

    \b
    operators   = != < <= > >=, and ~ for contains
    facts       reference adapter namespace name version digest time kind format
                type rank alpha dtype task base parameters bytes health license
    words       tag target alias: one of them is so; with != none is
    metrics     every other field, as `add --metric` and `note` gave it
    """
    run = run_of(ctx)
    run.answer(run.hub().search(text, base=base, target=target, where=where), rows.print_found)
