"""`adapterhub serve`: the store, for others."""

from typing import Annotated

from typer import Context, Option

from adapterhub.cli import served
from adapterhub.cli.options import run_of

EXAMPLES = (
    "adapterhub token create ada --role write --namespace ada",
    "adapterhub serve",
    "adapterhub serve --host 0.0.0.0 --port 8000 --public-url https://adapters.example.org",
)


def command(
    ctx: Context,
    host: Annotated[str, Option("--host", metavar="H", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, Option("--port", min=0, max=65535, metavar="P", help="The port; 0 for any that is free.")
    ] = 8000,
    public_url: Annotated[
        str, Option("--public-url", metavar="URL", help="Where clients reach it, when a proxy stands in front.")
    ] = "",
    largest: Annotated[str, Option("--largest", metavar="SIZE", help="Files above it are refused.")] = "5GB",
    anonymous: Annotated[
        bool, Option("--anonymous/--no-anonymous", help="Let those without a token read what is public.")
    ] = True,
    accelerated: Annotated[
        str, Option("--x-accel", metavar="PREFIX", help="Let nginx send files: the prefix of X-Accel-Redirect.")
    ] = "",
    redirect: Annotated[
        str, Option("--redirect", metavar="URL", help="Let a bucket send large files: s3://bucket/prefix.")
    ] = "",
) -> None:
    """Serve the store to others, in the protocol of the Hugging Face Hub.

    What may be done there needs a token (`adapterhub token`). SIGTERM and Ctrl-C let uploads in flight finish. Behind
    a proxy that speaks HTTPS, give --public-url: tokens should not travel in the clear.
    """
    from adapterhub.server.settings import Serving, parse_size

    run = run_of(ctx)
    serving = Serving(host, port, public_url, parse_size(largest), anonymous, accelerated, redirect)
    served.serve(run, serving)
