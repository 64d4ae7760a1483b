"""An adapter as a PEFT folder: what `load` reads there is the adapter again."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adapterhub.formats.peft_write import Beside, Factors
from adapterhub.formats.peft_write import write as write_folder
from adapterhub.formats.safetensors_write import NAMES, Raw
from adapterhub.lora.adapter import Adapter

__all__ = ["write"]


def write(adapter: Adapter, folder: Path, *, turned: bool = False, **known: Any) -> None:
    """Write an adapter without magnitudes and gains, its factors of scale 1 and of a type numpy has.

    turned: on GPT-2's Conv1D layers peft wants to be told that the weight lies the other way round. known: base_name
    and task, if they are known.
    """
    factors = {
        module: Factors(delta.A.numpy(), delta.B.numpy(), delta.form.kind, delta.form.kernel, _shift(adapter, module))
        for module, delta in adapter.deltas.items()
    }
    beside = Beside(
        {module: _raw(bias) for module, bias in adapter.biases.items()},
        {path: _raw(tensor) for path, tensor in adapter.tensors.items()},
        {module: (rows.indices, _raw(rows.values)) for module, rows in adapter.rows.items()},
    )
    write_folder(factors, folder, beside=beside, fields={"fan_in_fan_out": True} if turned else {}, **known)


def _shift(adapter: Adapter, module: str) -> Any:
    return adapter.shifts[module].numpy() if module in adapter.shifts else None


def _raw(tensor: Tensor) -> Raw:
    """A tensor that is carried as it is, in its own type."""
    data = tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    return Raw(NAMES[str(tensor.dtype).removeprefix("torch.")], tuple(tensor.shape), data)
