"""`adapterhub audit`: the fit report."""

from typing import Annotated, Literal

from typer import Argument, Context, Exit, Option

from adapterhub.cli import reports
from adapterhub.cli.options import run_of
from adapterhub.errors import DoesNotFit

EXAMPLES = (
    "adapterhub audit ada/poet --base ./llama",
    "adapterhub audit ./out --base ./llama --require exact",
    "adapterhub audit",
)


def command(
    ctx: Context,
    references: Annotated[list[str] | None, Argument(metavar="[REF]…", help="Adapters: references or folders.")] = None,
    base: Annotated[list[str] | None, Option(metavar="B", help="A base to try; may be repeated.")] = None,
    require: Annotated[
        Literal["exact", "cast", "unpinned", "drifted", "partial", "misfit"],
        Option(metavar="V", help="The worst verdict that is good enough, out of exact, cast, unpinned, drifted, …"),
    ] = "drifted",
) -> None:
    """Say which adapter fits which base, and why not.

    Headers are enough, nothing is loaded. Without references every adapter of the store is tried, without --base
    every base that is known, so `adapterhub audit` prints the whole matrix. Exit 6 when a verdict is worse than
    required.

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
    found = run.hub().audit(references or (), base or ())
    run.answer(found, reports.print_reports)
    if unfit(found, require):
        raise Exit(DoesNotFit.code)
