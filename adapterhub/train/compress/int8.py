"""Linear layers in eight bits: the arithmetic of weights is ours, torchao holds the codes and multiplies.

    W ≈ diag(s)·Q      Q: (out, in) int8 in −127…127,   s: (out, 1) fp32,   sᵢ = c·maxⱼ|Wᵢⱼ| / 127
    x ≈ a·X            X int8, a: one number for a layer, from `observe`; without it x stays as it is

c is 1 for min-max. The other calibrations choose it, one for a tensor, on its rows divided by their largest number:
a row alone has too few numbers for a histogram.

Jacob et al. 2018, https://arxiv.org/abs/1712.05877; symmetric, per channel: Krishnamoorthi 2018,
https://arxiv.org/abs/1806.08342
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.train.compress.calibrate import threshold
from adapterhub.train.compress.error import Loss, lost
from adapterhub.train.compress.histogram import Histogram
from adapterhub.train.compress.observe import Scale
from adapterhub.train.compress.targets import live
from adapterhub.train.quiet import quietly

if TYPE_CHECKING:
    from torchao.quantization import Int8Tensor

__all__ = [
    "activate",
    "codes",
    "dequantised",
    "files",
    "metadata",
    "packed",
    "prefix_of",
    "quantise",
    "settings",
    "torchao",
]

LARGEST = 127


@torch.no_grad()
def codes(weight: Tensor, method: str = "minmax") -> tuple[Tensor, Tensor]:
    """Q and s of a matrix (out, in).

    >>> codes(torch.tensor([[0.5, -1.0]]))
    (tensor([[  64, -127]], dtype=torch.int8), tensor([[0.0079]]))
    """
    wide = weight.detach().float()
    largest = wide.abs().amax(1, keepdim=True)
    largest = torch.where(largest > 0, largest, 1.0)
    histogram = Histogram()
    histogram.add(wide / largest)  # also refuses NaN
    scale = largest * (threshold(histogram, method) / LARGEST)
    return (wide / scale).round_().clamp_(-LARGEST, LARGEST).to(torch.int8), scale


def dequantised(code: Tensor, scale: Tensor) -> Tensor:
    """diag(s)·Q in fp32."""
    return code.float() * scale


def packed(code: Tensor, scale: Tensor, dtype: torch.dtype, activation: Scale | None = None) -> "Int8Tensor":
    """The weight as torchao executes it; with the scale of its input, products are int8 by int8."""
    ao, extra = torchao(), {}
    if activation is not None:
        how = quietly("torchao.quantization.quantize_.workflows").QuantizeTensorToInt8Kwargs
        # torchao wants a scale with a dimension for each of the input's.
        scales = torch.full((1,) * activation.dimensions, activation.scale, device=code.device)
        extra = {"act_quant_kwargs": how(granularity=ao.PerTensor()), "act_quant_scale": scales}
    return ao.Int8Tensor(code, scale, [1, code.shape[1]], dtype, **extra)


@torch.no_grad()
def quantise(
    model: nn.Module,
    *,
    method: str = "minmax",
    activations: Mapping[str, Scale] | None = None,
    keep: Iterable[str] = (),
) -> dict[str, Loss]:
    """Put the linear layers of a live model into eight bits, in place; what each weight lost.

    `activations`: module -> the scale of its input; layers that are not among them multiply in the type of their input.
    Convolutions stay as they are, since torchao has no product for them. `DoesNotFit` where no layer is left.
    """
    losses = {}
    for name in live(model, keep):
        path = name.removesuffix(".weight")
        layer = model.get_submodule(path)
        if type(layer) is nn.Linear:
            weight, (code, scale) = layer.weight, codes(layer.weight, method)
            losses[name] = lost(weight, dequantised(code, scale))
            held = packed(code, scale, weight.dtype, (activations or {}).get(path))
            layer.weight = nn.Parameter(held, requires_grad=False)
    if not losses:
        raise DoesNotFit("no linear layer to quantise", hint="torchao multiplies int8 weights of linear layers alone")
    return losses


def activate(model: nn.Module, activations: Mapping[str, Scale]) -> int:
    """Give linear layers that are in eight bits the scales of their inputs; how many got one.

    `DoesNotFit` where a scale has no such layer: the model is of another class than the one that was calibrated.
    """
    for path, scale in activations.items():
        layer = model.get_submodule(path) if path in dict(model.named_modules()) else None
        weight = getattr(layer, "weight", None)
        if layer is None or not isinstance(weight, torchao().Int8Tensor):
            raise DoesNotFit(
                f"{path}: a scale for its input, and no linear layer in eight bits there",
                hint="load the class of model that was calibrated",
            )
        held = packed(weight.qdata, weight.scale, weight.dtype, scale)
        layer.weight = nn.Parameter(held, requires_grad=False)
    return len(activations)


def metadata(
    shapes: Mapping[str, tuple[int, ...] | None], live: Mapping[str, str] | None = None, prefix: str = ""
) -> dict[str, str]:
    """What torchao wants to read beside the tensors of a file: which are in eight bits, with their shapes.

    Those stand there a second time by their names in memory, `live`, with the prefix and without it: transformers asks
    by the names of the class it loads.
    """
    plain = torch.empty(0, device="meta")
    like = {name: plain if shape is None else _outline(*shape) for name, shape in sorted(shapes.items())}
    held = {name: (live or {}).get(name, name) for name, shape in sorted(shapes.items()) if shape is not None}
    also = {called: like[name] for name, live_name in held.items() for called in _names(live_name, prefix)}
    said: dict[str, str] = files().flatten_tensor_state_dict(also | like)[1]
    return said


def settings(left: Iterable[str]) -> dict[str, Any]:
    """The `quantization_config` of a checkpoint in eight bits; `left` are the modules that are not."""
    files()  # before transformers imports it, which is not quiet
    asked = transformers().TorchAoConfig(torchao().Int8WeightOnlyConfig(), modules_to_not_convert=list(left))
    said: dict[str, Any] = asked.to_dict()
    return said


def prefix_of(config: Mapping[str, Any]) -> str:
    """What a class of transformers with a head puts before the names of the model below it (`bert`)."""
    for name in config.get("architectures") or ():
        if prefix := getattr(getattr(transformers(), str(name), None), "base_model_prefix", ""):
            return str(prefix)
    return ""


def _names(name: str, prefix: str) -> tuple[str, ...]:
    """A name as it is, and with the prefix put before it or taken away."""
    if not prefix:
        return (name,)
    return (name, name.removeprefix(f"{prefix}.") if name.startswith(f"{prefix}.") else f"{prefix}.{name}")


def _outline(out: int, into: int) -> Tensor:
    code = torch.empty(out, into, dtype=torch.int8, device="meta")
    outline: Tensor = packed(code, torch.empty(out, 1, device="meta"), torch.float32)
    return outline


def transformers() -> Any:
    """The package; `Refused` with what to install where it is missing."""
    return _package("transformers", "a checkpoint of transformers is put into eight bits with it")


def torchao() -> Any:
    """The part of torchao that quantises; `Refused` with what to install where it is missing."""
    return _package("torchao.quantization", "it holds weights in eight bits")


def files() -> Any:
    """The part of torchao that takes its tensors apart for files, and puts them together again."""
    return _package("torchao.prototype.safetensors.safetensors_support", "files of eight bits are read with it")


def _package(name: str, why: str) -> Any:
    try:
        return quietly(name)
    except ImportError as error:
        raise Refused(
            f"{name.partition('.')[0]} cannot be imported, and {why}: {error}", hint="pip install 'adapterhub[train]'"
        ) from None
