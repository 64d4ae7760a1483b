"""`adapterhub note`: what you want to remember."""

from typing import Annotated

from typer import Argument, Context

from adapterhub.cli import sheet
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Reference, values

EXAMPLES = ("adapterhub note ada/poet reviewer=ada 'remark=good on sonnets'", "adapterhub note ada/poet accuracy=0.93")


def command(
    ctx: Context,
    reference: Reference,
    pairs: Annotated[list[str], Argument(metavar="K=V…", help="What is noted, and what of it.")],
) -> None:
    """Write down what you want to remember of an entry.

    Numbers are metrics, which `search --where` compares; all else is text. Notes travel with the entry; of two about
    the same key, the later one counts.
    """
    run = run_of(ctx)
    hub = run.hub()
    listed = hub.note(reference, values(pairs, "note"))
    run.answer(hub.show(str(listed.reference)), sheet.print_noted)
