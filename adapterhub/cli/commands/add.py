"""`adapterhub add`: a folder or a file becomes an entry."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import sheet
from adapterhub.cli.options import run_of
from adapterhub.cli.output import say
from adapterhub.cli.progress import bars
from adapterhub.cli.words import Base, Misfit, Partial, numbers

EXAMPLES = (
    "adapterhub add ./out ada/poet",
    "adapterhub add ./out ada/poet@1.2.0 --base ./llama --metric accuracy=0.91 --tag candidate",
    "adapterhub add ./style.safetensors ada/style",
)


def command(
    ctx: Context,
    path: Annotated[str, Argument(metavar="FOLDER-or-FILE", help="An adapter in any known format, a model or data.")],
    name: Annotated[str, Argument(metavar="NAME[@V]", help="namespace/name; without a version, the next integer.")],
    base: Base = None,
    metric: Annotated[
        list[str] | None, Option(metavar="K=V", help="A number that was measured; may be repeated.")
    ] = None,
    tag: Annotated[list[str] | None, Option(metavar="T", help="A word to find it by; may be repeated.")] = None,
    license: Annotated[str, Option(metavar="ID", help="The licence, as an SPDX identifier.")] = "",
    convert_pickle: Annotated[
        bool, Option("--convert-pickle", help="Rewrite weights that are a pickle as safetensors, in a child process.")
    ] = False,
    partial: Partial = False,
    misfit: Misfit = False,
) -> None:
    """Put a folder or a file into the store, as a version of a name.

    The same bytes are the same entry: adding them twice changes nothing. Optimiser states, checkpoints and pickles
    beside the weights are left out, and named. Weights that are themselves a pickle are refused (exit 7) unless
    --convert-pickle is given. A base it does not fit is refused (exit 6) unless --partial or --misfit is.
    """
    run = run_of(ctx)
    with bars() as progress:
        added = run.hub().add(
            path,
            name,
            base=base,
            metrics=numbers(metric or (), "--metric"),
            tags=tag or (),
            license=license,
            convert_pickle=convert_pickle,
            partial=partial,
            misfit=misfit,
            progress=progress,
        )
    for left in added.left_out:
        say(f"left out {left.path}: {left.reason}")
    run.answer(added, sheet.print_added)
