"""`adapterhub compress`: a model made small becomes a new entry."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Context, Option

from adapterhub.cli.options import run_of
from adapterhub.cli.progress import steps

EXAMPLES = (
    "adapterhub compress ./minilm ada/sparse --prune 0.9",
    "adapterhub compress ada/topic ada/small --prune 0.9 --recover run.yaml --quantize int8 --data test.csv",
    "adapterhub compress ada/topic ada/topic-int8 --quantize int8 --calibration percentile --inputs train.csv",
)
Calibration = Literal["minmax", "percentile", "histogram-kl", "histogram-mse"]


def command(
    ctx: Context,
    model: Annotated[str, Argument(metavar="MODEL", help="A ./folder, or an entry of kind model.")],
    name: Annotated[str, Argument(metavar="NAME[@V]", help="What the small one is called.")],
    prune: Annotated[float | None, Option(metavar="S", help="The share of weights that become zero, as 0.9.")] = None,
    per: Annotated[
        Literal["global", "layer"], Option(help="The smallest of all weights together, or of each layer.")
    ] = "global",
    adapter: Annotated[
        str | None, Option(metavar="EXPR", help="Adapters to add to the weights that are not zero.")
    ] = None,
    recover: Annotated[
        Path | None, Option(metavar="CONFIG.yaml", help="Train such an adapter, as this config for `train` says.")
    ] = None,
    quantize: Annotated[Literal["int8"] | None, Option(help="Linear layers in eight bits.")] = None,
    calibration: Annotated[
        Calibration | None, Option(help="Where eight bits end; minmax clips nothing, and is taken without a word.")
    ] = None,
    inputs: Annotated[
        Path | None, Option(metavar="D", help="Rows to calibrate activations on: they come into eight bits too.")
    ] = None,
    data: Annotated[Path | None, Option(metavar="D", help="Rows to measure on, before and after.")] = None,
    config: Annotated[
        Path | None, Option(metavar="CONFIG.yaml", help="Task and columns, for what was trained elsewhere.")
    ] = None,
    keep: Annotated[list[str] | None, Option(metavar="PATTERN", help="Modules that stay as they are.")] = None,
    device: Annotated[str | None, Option(metavar="D", help="cpu, cuda, cuda:1 or mps.")] = None,
) -> None:
    """Prune a model, put it into eight bits, and tell what it lost.

    Embeddings, norms, biases and heads stay as they are. Adapters are added under the mask of the zeros, so that what
    is zero stays zero; --recover trains one there, and gets back what pruning took.
    """
    run = run_of(ctx)
    from adapterhub.cli.compressed import print_compressed

    with steps("compressing", in_bytes=True) as progress:
        made = run.hub().compress(
            model,
            name,
            prune=prune,
            per=per,
            adapter=adapter,
            recover=recover,
            quantize=quantize,
            calibration=calibration,
            inputs=inputs,
            data=data,
            config=config,
            keep=keep or (),
            device=device,
            progress=progress,
        )
    run.answer(made, print_compressed)
