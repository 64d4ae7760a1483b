"""`adapterhub list`: every version of every adapter."""

from typing import Annotated

from typer import Context, Option

from adapterhub.cli import rows
from adapterhub.cli.options import run_of

EXAMPLES = ("adapterhub list", "adapterhub list --remote team", "adapterhub list --json")


def command(
    ctx: Context,
    remote: Annotated[str | None, Option(metavar="R", help="List this remote instead of the store.")] = None,
) -> None:
    """List every version of every adapter."""
    run = run_of(ctx)
    hub = run.hub()
    run.answer(hub.list(remote), rows.printer(hub, remote))
