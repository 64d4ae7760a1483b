"""`adapterhub merge`: several adapters become a new one."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import deeds, sheet
from adapterhub.cli.options import run_of

EXAMPLES = (
    "adapterhub merge 'ada/sql*0.7 + ada/chat*0.3' ada/both",
    "adapterhub merge 'ada/chat - ada/rude*0.2' ada/kind@1",
)


def command(
    ctx: Context,
    expression: Annotated[str, Argument(metavar="EXPR", help="A weighted sum, with + and - between spaces.")],
    name: Annotated[str, Argument(metavar="NAME[@V]", help="What the new adapter is called.")],
    method: Annotated[str, Option(metavar="M", help="How deltas are put together: sum is exact.")] = "sum",
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be merged, and write nothing.")] = False,
) -> None:
    """Add several adapters into a new one, with the error printed.

    Adapters of different ranks and targets are added exactly; the new entry names its parents and their weights.
    """
    run = run_of(ctx)
    if dry_run:
        run.answer(run.hub().merge_plan(expression, method, name), deeds.print_plan)
    else:
        run.answer(run.hub().merge(expression, name, method), sheet.print_added)
