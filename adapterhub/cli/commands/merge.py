"""`adapterhub merge`: several adapters become a new one."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Option

from adapterhub.cli import composed
from adapterhub.cli.methods import method_help
from adapterhub.cli.options import run_of
from adapterhub.cli.progress import steps
from adapterhub.cli.words import Choose, Energy, Expression, Misfit, Rank, Seed, numbers
from adapterhub.errors import WrongUsage

EXAMPLES = (
    "adapterhub merge 'ada/sql*0.7 + ada/chat*0.3' ada/both",
    "adapterhub merge 'ada/chat - ada/rude*0.2' ada/kind@1 --rank 16",
    "adapterhub merge 'ada/sql + ada/chat' ada/voted --method ties --set density=0.3",
    "adapterhub merge ada/topic ada/small --rank 2 --data test.csv",
    "adapterhub merge ./recipe.yaml ada/both --dry-run",
)


def command(
    ctx: Context,
    expression: Expression,
    name: Annotated[str, Argument(metavar="NAME[@V]", help="What the new adapter is called.")],
    method: Annotated[
        str | None, Option(metavar="M", help="How updates are put together; sum, which is exact, unless given.")
    ] = None,
    rank: Rank = None,
    energy: Energy = None,
    set_: Annotated[
        list[str] | None, Option("--set", metavar="K=V", help="A parameter of the method; may be repeated.")
    ] = None,
    seed: Seed = None,
    choose: Choose = None,
    misfit: Misfit = False,
    data: Annotated[
        Path | None, Option("--data", metavar="D", help="Rows to measure on, before and after; as `eval` takes them.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be merged, and write nothing.")] = False,
) -> None:
    """Put several adapters together into a new one, with the error printed.

    One that has no place in the base another is pinned to is refused (exit 6) unless --misfit is given.
    """
    run = run_of(ctx)
    how: dict[str, Any] = {"method": method, "rank": rank, "energy": energy, "seed": seed, "choose": choose}
    how["misfit"] = misfit
    how["set"] = numbers(set_ or (), "--set")
    if dry_run:
        if data is not None:
            raise WrongUsage("--data measures what was merged, and --dry-run merges nothing", hint="leave one out")
        run.answer(run.hub().merge_plan(expression, name=name, **how), composed.print_plan)
        return
    with steps("merging") as progress:
        merged = run.hub().merge(expression, name, data=data, progress=progress, **how)
    run.answer(merged, composed.print_measured)


command.__doc__ = f"{command.__doc__}\n\n{method_help()}"
