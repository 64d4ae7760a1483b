"""`adapterhub fuse`: adapters go into the weights of their base."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import composed
from adapterhub.cli.options import run_of
from adapterhub.cli.progress import steps
from adapterhub.cli.words import Choose, Expression, Partial

EXAMPLES = (
    "adapterhub fuse ada/sql@1 --base ./llama ./llama-sql",
    "adapterhub fuse 'ada/sql*0.7 + ada/chat*0.3' --base ada/llama ./both --name ada/llama-both",
)


def command(
    ctx: Context,
    expression: Expression,
    folder: Annotated[str, Argument(metavar="FOLDER", help="Where the checkpoint is written; it must not exist yet.")],
    base: Annotated[str, Option(metavar="B", help="The base model: a ./folder, or an entry of kind model.")],
    name: Annotated[str | None, Option(metavar="NAME[@V]", help="Keep the result as an entry too.")] = None,
    choose: Choose = None,
    tied: Annotated[
        bool, Option("--tied", help="Change an embedding although the output layer shares its weight.")
    ] = False,
    new_tensors: Annotated[
        bool, Option("--new-tensors", help="Write whole tensors the base has no place for, such as a new head.")
    ] = False,
    partial: Partial = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would change, and write nothing.")] = False,
) -> None:
    """Write a base with adapters in its weights, as a plain checkpoint.

    Tensors that no adapter touches are copied byte for byte; the others are updated in fp32 and rounded once. Memory
    does not grow with the model. A run that was stopped goes on where it was when the same command is started again.
    Quantised bases are refused: fuse into the base they were made from.
    """
    run, allow = run_of(ctx), {"tied": tied, "new_tensors": new_tensors, "partial": partial}
    if dry_run:
        run.answer(run.hub().fuse_plan(expression, base, name=name, choose=choose, **allow), composed.print_fuse_plan)
        return
    with steps("fusing", in_bytes=True) as progress:
        fused = run.hub().fuse(expression, base, folder, name=name, choose=choose, progress=progress, **allow)
    run.answer(fused, composed.print_fused)
