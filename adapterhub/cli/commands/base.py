"""`adapterhub base`: base cards."""

from typing import Annotated

from typer import Argument, Context

from adapterhub.cli import cards, progress
from adapterhub.cli.grammar import Row
from adapterhub.cli.options import run_of

Name = Annotated[
    str,
    Argument(metavar="B", help="A ./folder or file of weights, an entry of kind model, hf:org/name, or a card's name."),
]


def add(ctx: Context, base: Name) -> None:
    """Read a checkpoint and keep its card: shapes and digests, no weights.

    What lies on a Hub is not downloaded: its headers are read, and the digests of its files are known there.
    """
    run = run_of(ctx)
    with progress.line("hashing") as watch:
        found = run.hub().base_add(base, watch=watch)
    run.answer(found, cards.print_base)


def listing(ctx: Context) -> None:
    """List the bases that have a card."""
    run = run_of(ctx)
    run.answer(run.hub().base_list(), cards.print_bases)


def show(ctx: Context, base: Name) -> None:
    """Show a base card."""
    run = run_of(ctx)
    with progress.line("hashing") as watch:
        found = run.hub().base_show(base, watch=watch)
    run.answer(found, cards.print_base)


def diff(ctx: Context, one: Name, other: Name) -> None:
    """Say which tensors of two bases differ, and how far.

    Names are compared after the naming rules, so a model and the same model with a head share all but the head. How
    far is told where both lie on this machine: |b - a| / |a| over all values of a tensor, and the largest difference
    of one value.
    """
    run = run_of(ctx)
    run.answer(run.hub().base_diff(one, other), cards.print_difference)


COMMANDS: dict[str, Row] = {
    "add": (add, ("adapterhub base add ./llama", "adapterhub base add ada/llama@1", "adapterhub base add hf:gpt2")),
    "list": (listing, ("adapterhub base list",)),
    "show": (show, ("adapterhub base show ./llama", "adapterhub base show ./llama.Q4_K_M.gguf")),
    "diff": (diff, ("adapterhub base diff ./llama ./llama-tuned",)),
}
