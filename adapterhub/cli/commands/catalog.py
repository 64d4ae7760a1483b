"""`adapterhub catalog`: a list for web sites."""

from typer import Context

from adapterhub.cli.options import run_of

EXAMPLES = ("adapterhub catalog", "adapterhub catalog --store ./public")


def command(ctx: Context) -> None:
    """Write catalog.json, for web sites that cannot list a folder.

    Run it before a store's tree is copied to a web server, and again after each change.
    """
    run = run_of(ctx)
    written = {"path": str(run.hub().catalog())}
    run.answer(written, lambda answer: print(answer["path"]))
