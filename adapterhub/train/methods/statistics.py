"""Running statistics stay as the base has them, whatever is trained.

A frozen layer's must: the adapter is for the base as it was. A trained layer's do too, since batch statistics would
make the result depend on how a batch is cut into micro-batches and dealt to processes. What scales and shifts the
normalised values is trained as any other weight.
"""

from types import MethodType

from torch import nn

__all__ = ["hold"]


def hold(model: nn.Module) -> None:
    """Layers with running statistics stay in evaluation mode; the model around them can be trained as ever."""
    for module in model.modules():
        if getattr(module, "running_mean", None) is not None:
            module.eval()
            module.train = MethodType(_stay, module)  # type: ignore[method-assign]


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    return module
