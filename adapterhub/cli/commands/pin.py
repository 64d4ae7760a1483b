"""`adapterhub pin`: the base, learned later."""

from typing import Annotated

from typer import Context, Option

from adapterhub.cli import sheet
from adapterhub.cli.options import session_of
from adapterhub.cli.words import Reference

EXAMPLES = ("adapterhub pin ada/poet --base ./llama", "adapterhub pin ada/poet --base hf:org/name@main")


def command(
    ctx: Context,
    reference: Reference,
    base: Annotated[str, Option(metavar="B", help="The base it was trained on, as for `add --base`.")],
) -> None:
    """Note which base an entry was trained on.

    The entry keeps its digest. From then on `audit` compares a base's weights with those noted here.
    """
    session = session_of(ctx)
    hub = session.hub()
    listed = hub.pin(reference, base)
    session.answer(hub.show(str(listed.reference)), sheet.print_base)
