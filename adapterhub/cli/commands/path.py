"""`adapterhub path`: a folder for other tools."""

from typer import Context

from adapterhub.cli.options import run_of
from adapterhub.cli.words import Reference

EXAMPLES = (
    "adapterhub path ada/poet",
    "python -c \"from peft import PeftConfig; print(PeftConfig.from_pretrained('$(adapterhub path ada/poet)'))\"",
)


def command(ctx: Context, reference: Reference) -> None:
    """Print a read-only folder with an entry's files, for other tools.

    The folder lies in the store's cache. It is there again the next time, and sweep may take it away.
    """
    run = run_of(ctx)
    folder = run.hub().path(reference)
    run.answer({"reference": reference, "path": str(folder)}, lambda answer: print(answer["path"]))
