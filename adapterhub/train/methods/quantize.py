"""The frozen base in fewer bits while an adapter is trained on it. What is saved is for the base as it was.

    int8    torchao's weight-only int8, one scale for each row; on any device
    nf4     bitsandbytes' NormalFloat in 4 bits. Dettmers et al. 2023, https://arxiv.org/abs/2305.14314

Every nn.Linear outside the heads and the output embeddings is held so, whether or not an adapter is put beside it.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from torch import nn

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.train.methods.targets import linear
from adapterhub.train.quiet import quietly

__all__ = ["quantize"]


def quantize(model: nn.Module, how: str, heads: Sequence[str]) -> None:
    """Change the layers in place; `Refused` where what computes with them is not installed."""
    package, change = WAYS[how]
    if find_spec(package) is None:
        raise Refused(
            f"adapter.quantize: {how} is computed by {package}, which is not installed",
            hint=f"pip install {package}"
            + (", or take quantize: int8, which needs torchao only" if how != "int8" else ", or leave quantize out"),
        )
    paths = [path for path in linear(model, heads) if isinstance(model.get_submodule(path), nn.Linear)]
    if not paths:
        raise DoesNotFit(
            f"adapter.quantize: {type(model).__name__} has no nn.Linear that could be held in {how}",
            hint="leave quantize out",
        )
    change(model, paths)


def _int8(model: nn.Module, paths: Sequence[str]) -> None:
    ao, wanted = quietly("torchao.quantization"), set(paths)
    ao.quantize_(model, ao.Int8WeightOnlyConfig(), filter_fn=lambda _, path: path in wanted)


def _nf4(model: Any, paths: Sequence[str]) -> None:
    layers = quietly("bitsandbytes").nn
    for path in paths:
        old = model.get_submodule(path)
        new = layers.Linear4bit(
            old.in_features, old.out_features, old.bias is not None, old.weight.dtype, quant_type="nf4"
        )
        new.weight = layers.Params4bit(old.weight.detach(), requires_grad=False, quant_type="nf4")
        new.bias = old.bias
        # Packed anew for this processor's bf16 by the first evaluation, the weights could not be trained beside.
        new.support_avx512bf16_for_cpu = False
        model.set_submodule(path, new.to(old.weight.device))
    model.is_loaded_in_4bit = True  # PEFT asks for it


WAYS: dict[str, tuple[str, Callable[[Any, Sequence[str]], None]]] = {
    "int8": ("torchao", _int8),
    "nf4": ("bitsandbytes", _nf4),
}
"""The package, and how the layers are changed."""
