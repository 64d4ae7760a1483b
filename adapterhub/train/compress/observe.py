"""What goes into the linear layers of a model, counted while it runs on calibration data.

    a = t/127      t by one of the calibrations, |x| of all inputs of the layer together (per tensor, symmetric)

What a batch is padded with is counted too, so calibrate on batches of examples that are about as long as each other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.compress.calibrate import threshold
from adapterhub.train.compress.histogram import Histogram
from adapterhub.train.compress.targets import live

__all__ = ["Scale", "observe", "plain", "read"]

LARGEST = 127


@final
@dataclass(frozen=True)
class Scale:
    """The scale of a layer's input, and how many dimensions that input has."""

    scale: float
    dimensions: int


@torch.no_grad()
def observe(
    model: nn.Module, run: Callable[[], object], method: str = "minmax", keep: Iterable[str] = ()
) -> dict[str, Scale]:
    """Module -> the scale of its input, found while `run` sends calibration data through the model.

    The model is in evaluation meanwhile, and no hook is left behind. A layer that is never reached has no scale.
    """
    layers = {
        name.removesuffix(".weight"): model.get_submodule(name.removesuffix(".weight")) for name in live(model, keep)
    }
    counted = {path: _Counted(path) for path, layer in layers.items() if type(layer) is nn.Linear}
    handles = [layers[path].register_forward_pre_hook(one) for path, one in counted.items()]
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        run()
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode
    found = {path: one.scale(method) for path, one in counted.items() if one.dimensions}
    if not found:
        raise WrongUsage("no linear layer was reached by the calibration data", hint="give it at least one batch")
    return found


@final
class _Counted:
    """A hook that counts what goes in."""

    def __init__(self, path: str) -> None:
        self.path, self.histogram, self.dimensions = path, Histogram(), 0

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        tensor: Tensor = inputs[0]
        if self.dimensions not in (0, tensor.ndim):
            raise DoesNotFit(
                f"{self.path}: inputs of {self.dimensions} and of {tensor.ndim} dimensions",
                hint="one scale serves one of them: keep this layer as it is",
            )
        self.dimensions = tensor.ndim
        self.histogram.add(tensor)

    def scale(self, method: str) -> Scale:
        return Scale(threshold(self.histogram, method) / LARGEST, self.dimensions)


def plain(scales: Mapping[str, Scale]) -> dict[str, list[float]]:
    """The scales as a config holds them."""
    return {path: [one.scale, one.dimensions] for path, one in sorted(scales.items())}


def read(said: Mapping[str, Any]) -> dict[str, Scale]:
    """The scales a config holds."""
    return {path: Scale(float(one[0]), int(one[1])) for path, one in said.items()}
