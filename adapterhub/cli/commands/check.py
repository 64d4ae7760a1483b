"""`adapterhub check`: is the store intact?"""

from typing import Annotated

from typer import Context, Exit, Option

from adapterhub.cli import deeds
from adapterhub.cli.options import session_of
from adapterhub.cli.progress import line
from adapterhub.errors import Corrupt

EXAMPLES = ("adapterhub check", "adapterhub check --repair")


def command(
    ctx: Context,
    repair: Annotated[bool, Option("--repair", help="Fetch, rebuild or set aside what is damaged.")] = False,
) -> None:
    """Read every byte of the store and name what is damaged.

    Exit 5 when something is, and every entry that needs it is named.
    """
    session = session_of(ctx)
    with line("reading") as progress:
        checked = session.hub().check(repair=repair, progress=progress)
    session.answer(checked, deeds.print_check)
    if not checked.ok:
        raise Exit(Corrupt.code)
