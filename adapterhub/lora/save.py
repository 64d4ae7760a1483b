"""From what an adapter does back to a PEFT folder, in normal form: `load` of what is written does the same.

    ΔW = s·B·A = (s·B)·A        so that alpha = r, and no reader has a scale to get wrong

The factors keep their type where s·B has no more digits than that type holds, as for every power of two; else all are
fp32. Type by type and module by module would be smaller, and some readers multiply two factors without a look at types.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from adapterhub.errors import Refused
from adapterhub.formats.peft_write import Beside, Factors, write
from adapterhub.formats.safetensors_write import NAMES, Raw
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta

if TYPE_CHECKING:
    import numpy as np

__all__ = ["save"]

FINE = 2.0**-20
"""Far more than one rounding into fp32, far less than what an overflow does."""


def save(adapter: Adapter, folder: Path, fields: Mapping[str, Any], name: str = "the adapter") -> None:
    """Write a PEFT folder in normal form; `fields` of the config win. `Refused` for what has none; `name` stands there.

    The same adapter gives the same bytes, and so does what was read from them.
    """
    if found := list(_faults(adapter)):
        raise Refused(
            f"{name} has no normal form: {'; '.join(found)}", hint="export it without --normal-form, byte for byte"
        )
    kind = _kind(adapter)
    bits = "BF16" if kind == torch.bfloat16 else ""
    factors = {module: _factors(adapter, module, kind, name) for module in adapter.deltas}
    beside = Beside(
        {module: _raw(bias) for module, bias in adapter.biases.items()},
        {path: _raw(tensor) for path, tensor in adapter.tensors.items()},
        {module: (rows.indices, _raw(rows.values)) for module, rows in adapter.rows.items()},
    )
    write(factors, folder, beside=beside, fields=fields, bits=bits)


def _faults(adapter: Adapter) -> Iterator[str]:
    if adapter.gains:
        yield "IA3 multiplies what modules give, and adds no factors to their weights"
    elif not adapter.deltas:
        yield "it has no factors at all, only what stands in place of the base's"
    if loose := [module for module, delta in adapter.deltas.items() if delta.loose]:
        yield f"VeRA's factors are as wide as the base says, which its files do not tell ({loose[0]})"
    if adapter.magnitudes and (bare := sorted(adapter.deltas.keys() - adapter.magnitudes.keys())):
        yield f"PEFT knows DoRA in all modules or in none, and {bare[0]} has no magnitude"


def _kind(adapter: Adapter) -> torch.dtype:
    """The type all factors are written in."""
    deltas = adapter.deltas.values()
    kind = reduce(torch.promote_types, (factor.dtype for delta in deltas for factor in (delta.A, delta.B)))
    full = torch.promote_types(kind, torch.float32)
    exact = (*(_scaled(delta) for delta in deltas if delta.scale != 1.0), *adapter.shifts.values())
    return kind if kind == full or all(_same(values.to(kind), values) for values in exact) else full


def _scaled(delta: Delta) -> Tensor:
    """s·B."""
    return delta.B if delta.scale == 1.0 else delta.B.double() * delta.scale


def _same(one: Tensor, other: Tensor, fine: float = 0.0) -> bool:
    """Whether the values are the same, NaN too; `fine` allows that much of their size, and what fp32 rounds to 0."""
    least = torch.finfo(torch.float32).tiny if fine else 0.0
    return torch.allclose(one.double(), other.double(), rtol=fine, atol=least, equal_nan=True)


def _factors(adapter: Adapter, module: str, kind: torch.dtype, name: str) -> Factors:
    delta, magnitude, shift = adapter.deltas[module], adapter.magnitudes.get(module), adapter.shifts.get(module)
    exact = _scaled(delta)
    B = exact.to(kind)
    if not _same(B, exact, FINE):
        raise Refused(
            f"{name}: {module}: B times its scale of {delta.scale:g} holds more than {NAMES[_word(kind)]} can hold",
            hint="nothing trained has such a scale: take the config from the training run",
        )
    return Factors(
        _array(delta.A.to(kind)),
        _array(B),
        delta.form.kind,
        delta.form.kernel,
        delta.groups,
        None if shift is None else _array(shift.to(kind)),
        None if magnitude is None else _raw(magnitude),
    )


def _array(tensor: Tensor) -> "np.ndarray":
    """A tensor as an array of numpy's; of bf16, which numpy has not, the bits."""
    tensor = tensor.detach().contiguous()
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _raw(tensor: Tensor) -> Raw:
    """A tensor that is carried as it is, in its own type."""
    data = tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    return Raw(NAMES[_word(tensor.dtype)], tuple(tensor.shape), data)


def _word(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")
