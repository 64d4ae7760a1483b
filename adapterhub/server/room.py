"""Room on the disk: whoever sends much is refused before the disk is full, and what lies there is served on."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.protocols.hf_hub.answers import Full

__all__ = ["Room"]


@final
@dataclass(frozen=True)
class Room:
    """The disk a folder lies on, of which uploads leave `spare` bytes free."""

    folder: Path
    spare: int

    def fits(self, size: int = 0) -> bool:
        """Whether so many bytes may come."""
        return self._free() >= size + self.spare

    def insist(self, size: int = 0) -> None:
        """`Full` unless so many bytes may come. How much is free is told to nobody: the disk is not the sender's."""
        if not self.fits(size):
            raise Full(
                f"the server's disk has no room for {size} bytes more",
                hint="try again later; whoever runs the server makes room, for example by `adapterhub sweep`",
            )

    def _free(self) -> int:
        return shutil.disk_usage(self.folder).free
