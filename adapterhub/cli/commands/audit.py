"""`adapterhub audit`: the fit report."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Exit, Option

from adapterhub.cli import reports
from adapterhub.cli.options import run_of
from adapterhub.cli.output import say
from adapterhub.cli.progress import steps
from adapterhub.cli.words import Require
from adapterhub.errors import DoesNotFit

EXAMPLES = (
    "adapterhub audit ada/poet --base ./llama",
    "adapterhub audit ./out --base ./llama --require exact",
    "adapterhub audit ada/poet --base ./llama --engine vllm@0.30.0",
    "adapterhub audit ada/poet --base ./llama --deep",
    "adapterhub audit --html matrix.html",
)


def command(
    ctx: Context,
    references: Annotated[list[str] | None, Argument(metavar="[REF]…", help="Adapters: references or folders.")] = None,
    base: Annotated[list[str] | None, Option(metavar="B", help="A base to try; may be repeated.")] = None,
    require: Require = "drifted",
    engine: Annotated[
        list[str] | None,
        Option(metavar="E", help="Ask of this engine alone who would misread it: vllm, vllm@0.30.0; may be repeated."),
    ] = None,
    deep: Annotated[
        bool, Option("--deep", help="Read the values too: NaN, dead and outlying updates, ranks, duplicates.")
    ] = False,
    html: Annotated[Path | None, Option(metavar="FILE", help="Write a page that stands alone, too.")] = None,
) -> None:
    """Say which adapter fits which base, and why not.

    Headers are enough, nothing is loaded. Without references every adapter of the store is tried, without --base
    every base that is known, so `adapterhub audit` prints the whole matrix. Exit 6 when a verdict is worse than
    required: of any pair where bases are named with --base; else when an adapter is good enough on none of them.

    \b
    exact     the targeted tensors are byte for byte those it was trained on
    cast      the same tensors in another precision
    unpinned  every target is there with the right shape; only a name says what it was trained on
    drifted   the shapes fit, the weights are not those it was trained on
    partial   some targets fit, some are missing or have another shape
    misfit    no target fits
    """
    from adapterhub.verbs.fits import unfit

    run = run_of(ctx)
    with steps("auditing") as watch:
        found = run.hub().audit(references or (), base or (), engines=engine or (), deep=deep, tell=say, progress=watch)
    if html is not None:
        from adapterhub.cli.page import write_page

        write_page(html, found)
        say(f"{html}: written")
    run.answer(found, reports.print_reports)
    if unfit(found, require, anywhere=not base):
        raise Exit(DoesNotFit.code)
