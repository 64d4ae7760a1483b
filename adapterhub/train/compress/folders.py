"""Checkpoints in folders, written again one tensor at a time: memory does not grow with the model.

Other files of the folder are copied. Files of weights keep their names, and an index says where every tensor lies.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from adapterhub.base.config import CONFIG, read_config
from adapterhub.base.places import places_of
from adapterhub.errors import Conflict, Refused
from adapterhub.formats.checkpoint import weight_files
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import FolderMembers
from adapterhub.formats.safetensors_write import Room
from adapterhub.train.compress.shard import Shard

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CODES", "SCALE", "Folder", "Rewrite", "open_folder", "read_folder", "rewrite", "same_room"]

CODES, SCALE = "_weight_qdata", "_weight_scale"
"""What torchao calls the parts of a weight `<module>.weight` in a file: `<module>._weight_qdata`, …"""

WEIGHTS = (".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".pt", ".pth", ".ckpt", ".h5", ".gguf")


@final
@dataclass(frozen=True)
class Folder:
    """A checkpoint: its config, and where its tensors lie. A plain module's has an empty config."""

    path: Path
    config: Mapping[str, Any]
    index: str | None
    places: Mapping[str, tuple[str, TensorInfo]]

    @cached_property
    def rows(self) -> dict[str, TensorInfo]:
        """The tensors by name."""
        return {name: info for name, (_, info) in self.places.items()}

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(info.end - info.start for info in self.rows.values())

    def get(self, name: str) -> "Tensor":
        """One tensor, read now."""
        from safetensors import safe_open

        with safe_open(self.path / self.places[name][0], framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
            return tensor

    def value(self, name: str) -> "Tensor":
        """A tensor as numbers: one that lies there in eight bits is multiplied out."""
        module = name.removesuffix("weight")
        if name in self.places or module + CODES not in self.places:
            return self.get(name)
        return self.get(module + CODES).float() * self.get(module + SCALE)

    def shards(self) -> dict[str, list[str]]:
        """The files of weights, and the tensors in each, sorted."""
        found: dict[str, list[str]] = {}
        for name, (file, _) in sorted(self.places.items()):
            found.setdefault(file, []).append(name)
        return dict(sorted(found.items()))


@final
@dataclass(frozen=True)
class Rewrite:
    """What becomes of a checkpoint.

    `change` gives the tensors one becomes, by their new names; `rooms` the room each of these takes, where it is not
    that of the old one. `metadata` is what every file carries besides, `config` are fields to put into the config.
    """

    change: "Callable[[str, Tensor], Mapping[str, Tensor]]"
    rooms: Callable[[TensorInfo], Mapping[str, Room]] = lambda info: {info.name: same_room(info)}
    metadata: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


def open_folder(path: Path) -> Folder:
    """The checkpoint in a folder, from headers alone; `Refused` where its weights are quantised already."""
    found = read_folder(path)
    if said := found.config.get("quantization_config"):
        method = said.get("quant_method", "of an unknown kind") if isinstance(said, dict) else said
        raise Refused(
            f"{path}: its weights are quantised already ({method})", hint="take the checkpoint it was quantised from"
        )
    return found


def read_folder(path: Path) -> Folder:
    """The same of any checkpoint."""
    members = FolderMembers({one.name: one for one in sorted(path.iterdir()) if one.is_file()})
    names = weight_files(members)
    config = read_config(members) if CONFIG in members.names() else {}
    index = next((name for name in names if name.endswith(".index.json")), None)
    return Folder(path, config, index, places_of(members))


def rewrite(source: Folder, target: Path, how: Rewrite, told: Callable[[int], None] = lambda count: None) -> None:
    """Write a checkpoint to a folder that does not exist yet; `told` hears how many more bytes were read."""
    if target.exists():
        raise Conflict(f"{target}: it exists", hint="name a folder that does not exist yet")
    target.mkdir(parents=True)
    for other in sorted(source.path.iterdir()):
        if other.is_file() and other.name != CONFIG and not other.name.endswith(WEIGHTS):
            shutil.copyfile(other, target / other.name)
    if source.config:
        _write_json(target / CONFIG, {**source.config, **how.config})
    table: dict[str, str] = {}
    size = 0
    for file, names in source.shards().items():
        rooms = {new: room for name in names for new, room in how.rooms(source.rows[name]).items()}
        with Shard(target / file, rooms, {"format": "pt", **how.metadata}) as shard:
            for name in names:
                for new, tensor in how.change(name, source.get(name)).items():
                    shard.put(new, tensor)
                told(same_room(source.rows[name]).size)
        table |= dict.fromkeys(shard.names, file)
        size += shard.size
    if source.index:
        _write_json(
            target / source.index, {"metadata": {"total_size": size}, "weight_map": dict(sorted(table.items()))}
        )


def same_room(info: TensorInfo) -> Room:
    """The room a tensor takes as it is."""
    return Room(info.dtype, info.shape, info.end - info.start)


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
