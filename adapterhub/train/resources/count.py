"""How much of a model is trained."""

from torch import nn

__all__ = ["count"]


def count(model: nn.Module) -> tuple[int, int]:
    """The numbers that are trained, and all numbers of the model with its adapter; shared ones count once."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)
