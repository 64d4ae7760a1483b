"""What wraps a model and only calls it: adapters go on the model inside."""

from torch import nn

from adapterhub.errors import DoesNotFit, WrongUsage

__all__ = ["bare"]

INSIDE = {
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
}
"""Class -> where it keeps the model; named, not imported."""


def bare(model: nn.Module) -> nn.Module:
    """The model itself. One that runs on several devices at once, in threads, is refused."""
    if not isinstance(model, nn.Module):
        raise WrongUsage(
            f"adapters go on a torch.nn.Module, and this is a {type(model).__name__}",
            hint="hub.load opens a base with adapters on",
        )
    while (leaf := INSIDE.get(f"{type(model).__module__}.{type(model).__qualname__}")) is not None:
        if len(getattr(model, "device_ids", None) or ()) > 1:
            raise DoesNotFit(
                f"{type(model).__name__} runs copies of the model on devices {model.device_ids} at once",
                hint="attach the adapters to the model inside of it, on one device: model.module",
            )
        inside = getattr(model, leaf)
        assert isinstance(inside, nn.Module)
        model = inside
    return model
