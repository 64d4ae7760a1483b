"""`adapterhub extract`: what a fine-tuning changed becomes an adapter."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import composed
from adapterhub.cli.options import run_of
from adapterhub.cli.progress import steps
from adapterhub.cli.words import Energy, Rank

EXAMPLES = (
    "adapterhub extract ./llama ./llama-tuned ada/tuned --rank 32",
    "adapterhub extract ./llama ./llama-tuned ada/tuned --energy 0.9 --targets '*.self_attn.*'",
)


def command(
    ctx: Context,
    base: Annotated[str, Argument(metavar="BASE", help="A ./folder, or an entry of kind model.")],
    tuned: Annotated[str, Argument(metavar="TUNED", help="The same after fine-tuning.")],
    name: Annotated[str, Argument(metavar="NAME[@V]", help="What the new adapter is called.")],
    rank: Rank = None,
    energy: Energy = None,
    targets: Annotated[
        str | None, Option(metavar="PATTERN", help="Only modules that match, as a shell matches.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be compared, and write nothing.")] = False,
) -> None:
    """Make an adapter out of what differs between two checkpoints.

    The difference of every weight is cut to the nearest factors of a rank, or to the fewest that keep a part of it;
    the error is told. What differs and is no matrix is named, and left out.
    """
    run, how = run_of(ctx), {"rank": rank, "energy": energy, "targets": targets}
    if dry_run:
        run.answer(run.hub().extract_plan(base, tuned, name, **how), composed.print_extract_plan)
        return
    with steps("comparing", in_bytes=True) as progress:
        made = run.hub().extract(base, tuned, name, progress=progress, **how)
    run.answer(made, composed.print_merged)
