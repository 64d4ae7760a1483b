"""`adapterhub compare`: how alike adapters are."""

from functools import partial
from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import comparisons
from adapterhub.cli.options import run_of
from adapterhub.cli.progress import steps

EXAMPLES = (
    "adapterhub compare ada/sql ada/chat",
    "adapterhub compare ada/sql ada/chat@2 ./run3 --modules",
    "adapterhub compare ada/sql ada/chat --json",
)


def command(
    ctx: Context,
    references: Annotated[list[str], Argument(metavar="REF REF…", help="Adapters: references or folders.")],
    modules: Annotated[bool, Option("--modules", help="Print each kind of module too.")] = False,
) -> None:
    """Say how alike adapters are, and what merging them would lose.

    All numbers are those of the updates ΔW themselves, whatever their ranks and factors; modules that only one
    adapter has count as zero in the other.

    \b
    cosine         1 the same direction, 0 strangers, -1 the opposite
    overlap        0 to 1, the part of the smaller one's directions the other uses
    sign conflict  part of the entries both change whose signs differ; strangers 0.5
    """
    run = run_of(ctx)
    with steps("comparing") as progress:
        compared = run.hub().compare(*references, progress=progress)
    run.answer(compared, partial(comparisons.print_comparison, modules=modules))
