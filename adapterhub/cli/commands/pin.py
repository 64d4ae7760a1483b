"""`adapterhub pin`: the base, learned later."""

from typing import Annotated

from typer import Context, Option

from adapterhub.cli import sheet
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Reference

EXAMPLES = ("adapterhub pin ada/poet --base ./llama", "adapterhub pin ada/poet --base ada/llama@1")


def command(
    ctx: Context,
    reference: Reference,
    base: Annotated[str, Option(metavar="B", help="The base it was trained on, as for `add --base`.")],
) -> None:
    """Note which base an entry was trained on.

    The entry keeps its digest. From then on `audit` compares a base's weights with those noted here.
    """
    run = run_of(ctx)
    hub = run.hub()
    listed = hub.pin(reference, base)
    run.answer(hub.show(str(listed.reference)), sheet.print_base)
