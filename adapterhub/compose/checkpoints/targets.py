"""Everything a sum of adapters changes in a checkpoint, tensor by tensor, and everything that stands in the way."""

from dataclasses import dataclass, field
from math import prod
from typing import final

from torch import Tensor

from adapterhub.base.names import Naming, transposed
from adapterhub.compose.checkpoints.checkpoint import Checkpoint
from adapterhub.compose.checkpoints.patch import Patch
from adapterhub.formats.header import TensorInfo
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.values import DTYPES, FLOATS

__all__ = ["One", "Part", "Targets", "size_of"]

Part = tuple[str, Adapter, float]
"""An adapter's name, the adapter, its weight."""


@final
@dataclass(eq=False)
class Targets:
    """The patches, by tensor and slice; tensors the base has no place for; what stands in the way.

    By adapter: `faults` are misfits, `heads` changes of an output layer whose weight lies in another's, `shared`
    changes of such a weight, which would reach the output layer, `strays` whole tensors without a place; `left` is what
    was left out because that was asked for.
    """

    base: Checkpoint
    patches: dict[tuple[str, int], Patch] = field(default_factory=dict)
    added: dict[str, Tensor] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    heads: dict[str, list[str]] = field(default_factory=dict)
    shared: dict[str, list[str]] = field(default_factory=dict)
    strays: dict[str, list[str]] = field(default_factory=dict)
    left: dict[str, list[str]] = field(default_factory=dict)


@final
@dataclass(frozen=True, eq=False)
class One:
    """One adapter on its way into the targets."""

    all: Targets
    name: str
    adapter: Adapter
    weight: float
    naming: Naming

    def fault(self, text: str) -> None:
        self.all.faults.setdefault(self.name, []).append(text)

    def head(self, module: str, embedding: str) -> None:
        """An output layer that has no weight to change."""
        text = f"{module} has no weight of its own in this base: it shares {embedding}"
        self.all.heads.setdefault(self.name, []).append(text)

    def shared(self, embedding: str) -> None:
        """An embedding that is an output layer too."""
        text = f"{embedding} is the weight of the output layer too, which was not trained with it"
        self.all.shared.setdefault(self.name, []).append(text)

    def find(self, module: str, leaf: str) -> TensorInfo | None:
        """A tensor of a module; values that are no plain numbers are a fault."""
        return self.plain(f"{self.naming.rewrite(module)}{leaf}")

    def plain(self, tensor: str) -> TensorInfo | None:
        """A tensor by its name in the base, in the same way."""
        info = self.all.base.find(tensor)
        if info is not None and info.dtype not in FLOATS:
            self.fault(f"{info.name} is stored as {info.dtype}, not F64, F32, F16 or BF16: it is quantised")
            return None
        return info

    def turned(self, module: str) -> bool:
        """Whether the module's weight is stored as (in, out)."""
        return transposed(self.naming.rewrite(module), self.all.base.model_type)

    def patch(self, info: TensorInfo, shape: tuple[int, int], *, turned: bool = False, slot: int = 0) -> Patch:
        """The patch of a tensor, or of its slice number `slot`, made if need be."""
        key = info.name, slot
        if key not in self.all.patches:
            dtype = DTYPES[info.dtype]
            start = info.start + slot * prod(shape) * dtype.itemsize
            self.all.patches[key] = Patch(info.name, start, *shape, dtype, turned)
        patch = self.all.patches[key]
        if (patch.height, patch.width, patch.turned) != (*shape, turned):
            self.fault(f"{info.name} is changed as a weight of one kind here and of another elsewhere")
        return patch


def size_of(info: TensorInfo) -> str:
    """The shape of a tensor in words."""
    return "×".join(map(str, info.shape)) or "one number"
