"""`adapterhub search`: find entries."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import rows
from adapterhub.cli.options import session_of

EXAMPLES = (
    "adapterhub search poet",
    "adapterhub search --where 'rank>=8 and accuracy>0.9'",
    "adapterhub search --base llama --target q_proj",
)


def command(
    ctx: Context,
    text: Annotated[str, Argument(metavar="[TEXT]", help="Words in the name, the tags, the base or the notes.")] = "",
    base: Annotated[str, Option(metavar="B", help="Only entries for this base.")] = "",
    target: Annotated[str, Option(metavar="T", help="Only entries that change this module.")] = "",
    where: Annotated[
        str, Option(metavar="CONDITION", help="Facts and metrics, compared: 'rank>=8 and accuracy>0.9'.")
    ] = "",
) -> None:
    """Find entries by text, base, target or a condition.

    The index behind it is a cache: it follows the store by itself and is rebuilt whenever it is missing or old.
    """
    session = session_of(ctx)
    session.answer(session.hub().search(text, base=base, target=target, where=where), rows.print_found)
