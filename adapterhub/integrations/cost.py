"""What a training cost: seconds, bytes, parameters."""

import sys
from typing import Any

from adapterhub.formats.runs.checkpoints import STATE
from adapterhub.formats.runs.results import cost_of

__all__ = ["begin", "of"]


def begin() -> None:
    """Forget the peak of what an accelerator held before."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def of(model: Any, state: Any) -> dict[str, float]:
    """The cost of the run that ends: `peak_memory` of the accelerator, else of the process, in bytes."""
    seconds = cost_of({STATE: {"log_history": state.log_history}})
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return {**seconds, "peak_memory": _peak_memory(), "trainable_parameters": trained}


def _peak_memory() -> int:
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
