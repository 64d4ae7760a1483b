"""`adapterhub eval`: what an adapter is worth on rows."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Context, Option

from adapterhub.cli.options import run_of
from adapterhub.cli.words import Base, Choose
from adapterhub.errors import WrongUsage

EXAMPLES = (
    "adapterhub eval ada/topic --data test.csv",
    "adapterhub eval 'ada/topic*0.5 + ada/tone*0.5' --data test.csv --choose ada/topic",
    "adapterhub eval ada/whole ada/topic --data test.csv --picture both.png",
    "adapterhub eval ada/topic --ancestors --data first.csv --data second.csv",
    "adapterhub eval ./run3 --data test.csv --config run.yaml --base ./minilm",
)


def command(
    ctx: Context,
    expressions: Annotated[
        list[str],
        Argument(metavar="REF-or-EXPR…", help="An entry, a folder, or several with weights; repeat to compare."),
    ],
    data: Annotated[
        list[Path],
        Option("--data", metavar="D", help="The rows: a file or folder as `train` reads it; repeat for more."),
    ],
    base: Base = None,
    config: Annotated[
        Path | None, Option("--config", metavar="CONFIG.yaml", help="Task and columns of what was trained elsewhere.")
    ] = None,
    choose: Choose = None,
    device: Annotated[str | None, Option("--device", metavar="D", help="cpu, cuda, cuda:1 or mps.")] = None,
    ancestors: Annotated[
        bool, Option("--ancestors", help="Also what it was continued from; --data in the order of the tasks.")
    ] = False,
    picture: Annotated[
        Path | None, Option("--picture", metavar="FILE.png", help="Draw several side by side, with what each cost.")
    ] = None,
) -> None:
    """Measure an adapter on rows, and note it.

    Metrics, calibration, latency and memory are those of the adapter on its base. Task, columns and labels are those
    the entry was trained with. Several stand side by side with what they cost, and each with its difference from the
    first: by how much, and between which numbers that lies.
    """
    run = run_of(ctx)
    from adapterhub.cli.trained import print_evaluated, print_remembered, print_side_by_side

    if len(expressions) > 1:
        if ancestors or len(data) > 1:
            raise WrongUsage("several entries are compared on one --data, without --ancestors", hint="ask one by one")
        how: dict[str, Any] = {"base": base, "config": config, "device": device, "choose": choose, "picture": picture}
        run.answer(run.hub().evaluate_all(expressions, data[0], **how), print_side_by_side)
        return
    [expression] = expressions
    if picture is not None:
        raise WrongUsage("--picture shows several side by side", hint="name another entry to compare with")
    if ancestors or len(data) > 1:
        if choose is not None:
            raise WrongUsage("--choose goes with one --data and no --ancestors", hint="measure them one by one")
        told = run.hub().forgetting(expression, data, ancestors=ancestors, base=base, config=config, device=device)
        run.answer(told, print_remembered)
        return
    found = run.hub().evaluate(expression, data[0], base=base, config=config, device=device, choose=choose)
    run.answer(found, print_evaluated)
