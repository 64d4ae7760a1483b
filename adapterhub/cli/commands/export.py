"""`adapterhub export`: an entry becomes a folder."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import deeds
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Word

EXAMPLES = (
    "adapterhub export ada/poet ./poet",
    "adapterhub export ada/poet@prod /srv/models/poet --normal-form",
    "adapterhub export ada/poet /srv/models/poet --base-name org/base",
    "adapterhub export ada/from-mlx ./poet --format peft",
)


def command(
    ctx: Context,
    reference: Word,
    folder: Annotated[str, Argument(metavar="FOLDER", help="A folder that is new or empty.")],
    normal_form: Annotated[
        bool, Option("--normal-form", help="As PEFT's LoRA with alpha = r: no engine can misread its scale.")
    ] = False,
    base_name: Annotated[
        str | None, Option("--base-name", metavar="X", help="What the config calls the base; some engines compare it.")
    ] = None,
    format: Annotated[
        str | None, Option("--format", metavar="F", help="peft: an adapter of mlx-lm too is written as PEFT's.")
    ] = None,
) -> None:
    """Write an entry into a folder, byte for byte as it came or in normal form.

    Every file is checked against its digest while it is written; a damaged entry writes nothing (exit 5). In normal
    form the scale of every module is taken into its factors: rslora and alphas are gone, rank_pattern stands only where
    ranks differ, and AdaLoRA, LoHa and LoKr are LoRA. The factors become fp32 where their own type cannot hold that
    without rounding. DoRA, biases, heads and trained tokens come along; what has no normal form is refused (exit 7).
    """
    run = run_of(ctx)
    exported = run.hub().export(reference, folder, normal_form=normal_form, base_name=base_name, format=format)
    run.answer(exported, deeds.print_exported)
