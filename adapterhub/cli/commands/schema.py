"""`adapterhub schema`: the JSON Schemas of the documents."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli.options import run_of
from adapterhub.cli.output import print_json

EXAMPLES = ("adapterhub schema", "adapterhub schema manifest", "adapterhub schema --folder schemas")


def command(
    ctx: Context,
    name: Annotated[str | None, Argument(metavar="[NAME]", help="One document; without it, all of them.")] = None,
    folder: Annotated[str | None, Option(metavar="FOLDER", help="Write a file for each into this folder.")] = None,
) -> None:
    """Print the JSON Schemas of the documents."""
    from adapterhub.schemas import every, schema, write

    run = run_of(ctx)
    if folder is not None:
        written = [str(path) for path in write(Path(folder), name)]
        run.answer(written, lambda paths: print(*paths, sep="\n"))
    else:
        run.answer(schema(name) if name else every(), print_json)
