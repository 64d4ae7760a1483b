"""The folder of a run, `runs/<digest of what was asked>`: its state, its log, its curves; on this machine only.

run.json             what was asked, and what became of it
state.safetensors    the last checkpoint; gone when the run was published
log.jsonl            every step and validation
curves.png           the same as a picture
unpacked/            pictures and sounds of earlier tasks that are learned again
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.durable import make_folder, replace

__all__ = ["RunFolder"]


@final
@dataclass(frozen=True)
class RunFolder:
    """Paths below one folder."""

    path: Path

    @classmethod
    def of(cls, runs: Path, asked: Mapping[str, Any]) -> "RunFolder":
        """The folder of what was asked: the same words, the same folder."""
        return cls(runs / Digest.of(canonical(dict(asked))).hex)

    @property
    def state(self) -> Path:
        return self.path / "state.safetensors"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def curves(self) -> Path:
        return self.path / "curves.png"

    @property
    def unpacked(self) -> Path:
        return self.path / "unpacked"

    @property
    def document(self) -> Path:
        return self.path / "run.json"

    def read(self) -> dict[str, Any]:
        """run.json, or nothing where there is none that can be read: it only spares work."""
        try:
            known = json.loads(self.document.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def write(self, known: Mapping[str, Any]) -> None:
        """Write run.json in one step."""
        make_folder(self.path)
        replace(self.document, json.dumps(known, indent=2, sort_keys=True).encode() + b"\n")

    def forget(self) -> None:
        """Begin again: the state goes, the log is begun anew by whoever writes it."""
        self.state.unlink(missing_ok=True)
        self.document.unlink(missing_ok=True)
