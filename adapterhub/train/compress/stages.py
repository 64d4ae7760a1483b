"""What is done to a checkpoint, one stage after another: pruning, adapters under the mask, eight bits.

Each stage reads a folder and writes another, tensor by tensor; `told` hears how many bytes of the first were read.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from adapterhub.base.naming.conv1d import transposed
from adapterhub.errors import DoesNotFit
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.safetensors_write import Room
from adapterhub.train.compress import prune as pruning
from adapterhub.train.compress.folders import CODES, SCALE, Folder, Rewrite, rewrite, same_room
from adapterhub.train.compress.int8 import codes, metadata, prefix_of, settings
from adapterhub.train.compress.live_names import live_names
from adapterhub.train.compress.masked import under
from adapterhub.train.compress.observe import Scale, plain
from adapterhub.train.compress.targets import chosen

__all__ = ["SCALES", "mask", "prune", "quantise"]

Told = Callable[[int], None]

SCALES = "activation_scales"
"""The field of the config that holds the scales of the layers' inputs; transformers leaves it as it is."""


def prune(
    source: Folder, target: Path, share: float, told: Told, *, scope: pruning.Scope, keep: Iterable[str] = ()
) -> None:
    """The smallest weights of a checkpoint zeroed; see `prune.cuts`. Weights are read three times."""
    names = chosen(source.rows, keep)
    found = pruning.cuts({name: source.rows[name].parameters for name in names}, source.get, share, scope)

    def change(name: str, tensor: Tensor) -> Mapping[str, Tensor]:
        return {name: found[name].zeroed(tensor) if name in found else tensor}

    rewrite(source, target, Rewrite(change), told)


def mask(
    pruned: Folder,
    changed: Folder,
    target: Path,
    told: Told,
    *,
    keep: Iterable[str] = (),
    config: Mapping[str, Any] | None = None,
) -> None:
    """What was made from a pruned checkpoint by adding to it, with the zeros of the pruned weights put back.

    `config` are fields that change with what was added, such as the labels of a head.
    """
    names = frozenset(chosen(pruned.rows, keep))

    def change(name: str, tensor: Tensor) -> Mapping[str, Tensor]:
        return {name: under(pruned.get(name), tensor) if name in names else tensor}

    rewrite(changed, target, Rewrite(change, config=config or {}), told)


def quantise(
    source: Folder,
    target: Path,
    told: Told,
    *,
    method: str = "minmax",
    scales: Mapping[str, Scale] | None = None,
    keep: Iterable[str] = (),
) -> None:
    """The linear layers of a checkpoint in eight bits, in torchao's form: transformers' `from_pretrained` reads it.

    Convolutions, layers that are stored transposed, experts, and weights that transformers cuts up or joins as it reads
    them stay as they are. `scales` go into the config.
    """
    live = live_names(source)
    names = frozenset(name for name in chosen(source.rows, keep) if name in live and _is_linear(source, name))
    if not names:
        raise DoesNotFit(f"{source.path}: no linear layer to quantise", hint="convolutions and Conv1D stay as they are")
    left = [
        live.get(name, name).removesuffix(".weight")
        for name, row in source.rows.items()
        if len(row.shape) == 2 and name not in names
    ]
    config: dict[str, Any] = {"quantization_config": settings(sorted(left))} if source.config else {}
    if scales:
        config[SCALES] = plain(scales)

    def change(name: str, tensor: Tensor) -> Mapping[str, Tensor]:
        return dict(zip(_parts(name), codes(tensor, method), strict=True)) if name in names else {name: tensor}

    def rooms(info: TensorInfo) -> Mapping[str, Room]:
        if info.name not in names:
            return {info.name: same_room(info)}
        code, scale = _parts(info.name)
        out, into = info.shape
        return {code: Room("I8", (out, into), out * into), scale: Room("F32", (out, 1), 4 * out)}

    # All files say it of all tensors: transformers reads them one over the other.
    shapes = {name: row.shape if name in names else None for name, row in source.rows.items()}
    said = metadata(shapes, live, prefix_of(source.config))
    rewrite(source, target, Rewrite(change, rooms, said, config), told)


def _is_linear(source: Folder, name: str) -> bool:
    turned = transposed(name.removesuffix(".weight"), source.config.get("model_type"))
    return len(source.rows[name].shape) == 2 and not turned and ".experts." not in name


def _parts(name: str) -> tuple[str, str]:
    module = name.removesuffix("weight")
    return module + CODES, module + SCALE
