"""A file of safetensors whose tensors come one after another, in any order; each has its place from the beginning."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

import torch
from torch import Tensor

from adapterhub.errors import AdapterHubError
from adapterhub.formats.safetensors_write import Room, header
from adapterhub.system import naming

__all__ = ["Shard"]


@final
class Shard:
    """Open in a `with`: `put` every tensor of `rooms` once.

    The same tensors give the same bytes, whatever the order they come in.
    """

    def __init__(self, path: Path, rooms: Mapping[str, Room], metadata: Mapping[str, str]) -> None:
        self.path, self._left, self._rooms = path, set(rooms), rooms
        self._head, self._starts = header(rooms, metadata)
        self.names = tuple(sorted(rooms))
        self.size = sum(room.size for room in rooms.values())

    def __enter__(self) -> Self:
        with naming(self.path):
            self._file = self.path.open("wb")
            self._file.write(self._head)
            self._file.truncate(len(self._head) + self.size)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with naming(self.path):
            self._file.close()
        if self._left and error is None:
            raise AdapterHubError(f"{self.path}: {len(self._left)} tensors were never written: {min(self._left)}")

    def put(self, name: str, tensor: Tensor) -> None:
        """One tensor to its place."""
        flat: Any = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        data = memoryview(flat)
        if len(data) != self._rooms[name].size:
            raise AdapterHubError(f"{name}: got {len(data)} bytes, there is room for {self._rooms[name].size}")
        with naming(self.path):
            self._file.seek(len(self._head) + self._starts[name])
            self._file.write(data)
        self._left.discard(name)
