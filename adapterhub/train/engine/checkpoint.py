"""The state of a run in one file: safetensors with the plain part in its header, written beside and renamed.

Either the old state is there or the new one, whole; a digest over the tensors tells a damaged file from a good one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from adapterhub.digest import Digest, new_hash
from adapterhub.document import canonical
from adapterhub.durable import replace
from adapterhub.errors import Corrupt

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Checkpoint", "load", "save"]

ASIDE = "move it away to begin again (`--restart` does)"


@final
@dataclass(frozen=True)
class Checkpoint:
    """Tensors under names with slashes, and plain data."""

    tensors: "Mapping[str, Tensor]"
    plain: Mapping[str, Any] = field(default_factory=dict)

    def part(self, name: str) -> "dict[str, Tensor]":
        """The tensors below a name, without it."""
        head = f"{name}/"
        return {key.removeprefix(head): tensor for key, tensor in self.tensors.items() if key.startswith(head)}


def save(path: Path, state: Checkpoint) -> None:
    """Write a state in one step; a full disk leaves the one before."""
    from safetensors.torch import save as serialize

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(state.tensors.items())}
    told = {"plain": dict(state.plain), "digest": str(_digest(tensors, state.plain))}
    # One key: of several the order in the file would be another each time.
    replace(path, serialize(tensors, {"state": canonical(told).decode()}))


def load(path: Path) -> Checkpoint | None:
    """The state a file holds; None where there is none, `Corrupt` where it is damaged."""
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            said = json.loads((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        plain, digest = said["plain"], said["digest"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"{path}: no state of a training: {error}", hint=ASIDE) from None
    if digest != str(_digest(tensors, plain)):
        raise Corrupt(f"{path}: the state of the training is damaged: its digest is another", hint=ASIDE)
    return Checkpoint(tensors, plain)


def _digest(tensors: "Mapping[str, Tensor]", plain: Mapping[str, Any]) -> Digest:
    import torch

    each = {
        name: [
            str(tensor.dtype),
            list(tensor.shape),
            new_hash(tensor.reshape(-1).view(torch.uint8).numpy().data).hexdigest(),
        ]
        for name, tensor in sorted(tensors.items())
    }
    return Digest.of(canonical([each, plain]))
