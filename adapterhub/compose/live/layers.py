"""The modules of a live model that can carry a change: which they are, and how their weight and their output lie.

    Linear       (…, in) -> (…, out)                weight (out, in); quantised ones too, through their own forward
    Conv1D       the same                           weight (in, out)
    Embedding    (…) -> (…, dim)                    weight (vocabulary, dim)
    Conv1d-3d    (n, channels, …) -> (n, out, …)    weight (out, channels/groups, *kernel)
    norms        a bias only

A kind is listed only where its forward is known: y = W·x + b.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from adapterhub.compose.live.swap import own
from adapterhub.lora.delta import LINEAR, Form
from adapterhub.lora.dora import Block

__all__ = ["LAYERS", "PLAIN", "PRODUCTS", "Layer", "known", "layer_of"]

PLAIN = frozenset({torch.float64, torch.float32, torch.float16, torch.bfloat16})

BLOCK = 1 << 22
"""Numbers of W in hand at once."""


@final
@dataclass(frozen=True)
class Layer:
    """A live module; `axis` is where the channels of its output lie, `shape` the (out, in) of a change."""

    path: str
    module: nn.Module
    form: Form | None
    shape: tuple[int, int]
    axis: int = -1
    turned: bool = False

    @property
    def values(self) -> str:
        """Why the values of the weight cannot be used, or nothing."""
        weight = own(self.module, "weight")
        if not isinstance(weight, Tensor) or weight.dtype not in PLAIN:
            return f"its weight is {_kind(weight)}, so it is quantised"
        return "its weight is offloaded, so it cannot be read here" if weight.is_meta else ""

    @property
    def weight(self) -> Tensor:
        """The model's own weight as it is stored."""
        weight = own(self.module, "weight")
        assert isinstance(weight, Tensor)
        return weight.detach()

    @property
    def bias(self) -> Tensor | None:
        """The model's own b (out,), where the module has one."""
        bias = own(self.module, "bias")
        return bias.detach() if isinstance(bias, Tensor) else None

    def blocks(self) -> Iterator[Block]:
        """The model's own W as (out, in), whichever way it is stored; views."""
        weight = self.weight.flatten(1)
        step = max(1, BLOCK // max(1, weight.shape[1]))
        for first in range(0, len(weight), step):
            some = weight[first : first + step]
            yield Block(0, first, some.T) if self.turned else Block(first, 0, some)

    @property
    def plain(self) -> bool:
        """Whether the module does nothing but W·x + b with a weight that can be used as it is."""
        weight = getattr(self.module, "weight", None)
        usable = isinstance(weight, Tensor) and weight.dtype in PLAIN and not weight.is_meta
        return usable and next(_kinds(self.module)) in PRODUCTS and "forward" not in self.module.__dict__

    def dtype(self, output: torch.dtype | None = None) -> torch.dtype | None:
        """What factors are kept in: the weight's type, or the output's where the weight is quantised."""
        weight = getattr(self.module, "weight", None)
        return weight.dtype if isinstance(weight, Tensor) and weight.dtype in PLAIN else output

    def spread(self, values: Tensor, ndim: int) -> Tensor:
        """Values of the channels, (dim,) or (batch, dim), shaped to go with an output of `ndim` dimensions."""
        shape = [1] * ndim
        shape[0], shape[self.axis] = values.shape[0] if values.ndim == 2 else 1, values.shape[-1]
        return values.view(shape)


PRODUCTS = frozenset({"torch.nn.modules.linear.Linear", "transformers.pytorch_utils.Conv1D"})
"""These do nothing but W·x + b, and make a new output at every call; a subclass may do something else."""

Look = Callable[[nn.Module, str], "Layer | str"]


def layer_of(module: nn.Module, path: str = "") -> Layer | str:
    """The module as a layer, or the reason why nothing can be attached to it."""
    for kind in _kinds(module):
        if kind in REFUSED:
            return REFUSED[kind]
        if kind in LAYERS:
            return LAYERS[kind](module, path)
    return f"it is {next(_kinds(module))}, not Linear, Conv1D, Embedding or a convolution"


def known(module: nn.Module) -> bool:
    """Whether anything is known of the module's class, be it that nothing can be attached to it."""
    return any(kind in REFUSED or kind in LAYERS for kind in _kinds(module))


def _linear(module: nn.Module, path: str) -> Layer | str:
    assert isinstance(module, nn.Linear)
    weight = module.weight
    plain = isinstance(weight, Tensor) and weight.dtype in PLAIN and weight.ndim == 2
    out, into = weight.shape if plain else (module.out_features, module.in_features)
    return Layer(path, module, LINEAR, (out, into))


def _conv1d(module: nn.Module, path: str) -> Layer | str:
    weight = module.weight
    if not isinstance(weight, Tensor) or weight.ndim != 2:
        return f"its weight is {_kind(weight)}, so it is quantised"
    return Layer(path, module, LINEAR, (weight.shape[1], weight.shape[0]), turned=True)


def _embedding(module: nn.Module, path: str) -> Layer | str:
    assert isinstance(module, nn.Embedding)
    name = type(module).__name__
    # A positional embedding, for one, is called with a mask and looks up something else than it was given.
    if type(module).forward is not nn.Embedding.forward and not name.endswith("ScaledWordEmbedding"):
        return f"{name} does not look up what it is called with"
    if module.max_norm is not None:
        return "max_norm changes its weight at every call"
    vocabulary, dim = module.weight.shape
    return Layer(path, module, Form("embedding"), (dim, vocabulary), turned=True)


def _conv(module: nn.Module, path: str) -> Layer | str:
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    name = type(module).__name__
    if module.padding_mode != "zeros":
        return f"it pads with {module.padding_mode}, not with zeros"
    if type(module).forward not in (nn.Conv1d.forward, nn.Conv2d.forward, nn.Conv3d.forward):
        return f"{name} is no plain convolution"
    kernel = tuple(module.kernel_size)
    # LoRA's A reads all channels, whatever the groups.
    into = module.in_channels * torch.Size(kernel).numel()
    return Layer(path, module, Form("conv", kernel), (module.out_channels, into), axis=-1 - len(kernel))


def _norm(module: nn.Module, path: str) -> Layer | str:
    bias = module.bias
    if not isinstance(bias, Tensor) or bias.ndim != 1:
        return "it has no bias" if bias is None else "its bias has more than one dimension"
    last = isinstance(module, nn.LayerNorm) and getattr(module, "data_format", "") != "channels_first"
    return Layer(path, module, None, (len(bias), 0), axis=-1 if last else 1)


def _kinds(module: nn.Module) -> Iterator[str]:
    return (f"{kind.__module__}.{kind.__qualname__}" for kind in type(module).__mro__)


def _kind(weight: object) -> str:
    if not isinstance(weight, Tensor):
        return type(weight).__name__
    return f"{str(weight.dtype).removeprefix('torch.')} {tuple(weight.shape)}"


LAYERS: dict[str, Look] = {
    "torch.nn.modules.linear.Linear": _linear,
    "transformers.pytorch_utils.Conv1D": _conv1d,
    "torch.nn.modules.sparse.Embedding": _embedding,
    "torch.nn.modules.conv.Conv1d": _conv,
    "torch.nn.modules.conv.Conv2d": _conv,
    "torch.nn.modules.conv.Conv3d": _conv,
    "torch.nn.modules.normalization.LayerNorm": _norm,
    "torch.nn.modules.normalization.GroupNorm": _norm,
    "torch.nn.modules.batchnorm._BatchNorm": _norm,
}
"""Class -> how it is read. Subclasses count; Conv1D is named, not imported."""

BYPASSED = "nn.MultiheadAttention reads its weight without calling it"
ROUTER = "it chooses experts, and answers with more than W·x"

REFUSED = {
    "torch.nn.modules.linear.NonDynamicallyQuantizableLinear": BYPASSED,
    "transformers.models.deepseek_v4.modeling_deepseek_v4.DeepseekV4GroupedLinear": "it multiplies group by group",
    "transformers.models.idefics.modeling_idefics.IdeficsDecoupledLinear": "its output has columns of another weight",
    "transformers.models.llama4.modeling_llama4.Llama4Router": ROUTER,
    "transformers.models.phimoe.modeling_phimoe.PhimoeTopKRouter": ROUTER,
}
"""Subclasses of the above that are something else -> what."""
