"""The folder of a run, `runs/<digest of what was asked>`: its state, its log, its curves; on this machine only.

run.json             what was asked, and what became of it
state.safetensors    the last checkpoint; gone when the run was published
log.jsonl            every step and validation
curves.png           the same as a picture
unpacked/            pictures and sounds of earlier tasks that are learned again
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, final

from pydantic import ConfigDict, Field

from adapterhub.digest import Digest
from adapterhub.document import Document, canonical
from adapterhub.durable import make_folder, replace
from adapterhub.errors import Corrupt
from adapterhub.finding import Finding
from adapterhub.manifest import Pinned
from adapterhub.train.watch.ladder import Rung

__all__ = ["Known", "Outcome", "RunFolder"]


class Outcome(Document):
    """How a run went that was published: fields of what `train` answers."""

    model_config = ConfigDict(extra="ignore")

    steps: int = 0
    best_step: int | None = None
    validation: dict[str, float] = {}
    sync_gap: float | None = None
    findings: tuple[Finding, ...] = ()
    """What showed on the way; what is odd about rows and files, those say whenever they are looked at."""


class Known(Document):
    """run.json: what was asked, what must be the same when the run goes on, and what became of it."""

    asked: dict[str, Any] = {}
    identity: dict[str, Any] = {}
    micro_batch: Annotated[int, Field(ge=1)] | None = None
    published: Pinned | None = None
    """The digest of the entry."""
    reference: str = ""
    ended: Outcome = Outcome()
    metric: str = ""
    rung: Rung | None = None
    """What the run came to as one of a search, compared by `metric`."""
    less_is_better: bool | None = None
    """Whether less of `metric` is; None: as its name says."""


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

    def read(self) -> Known:
        """run.json, or nothing where there is none that can be read: it only spares work."""
        try:
            return Known.from_bytes(self.document.read_bytes(), str(self.document))
        except (OSError, Corrupt):
            return Known()

    def write(self, known: Known) -> None:
        """Write run.json in one step."""
        make_folder(self.path)
        replace(self.document, json.dumps(known.plain(), indent=2, sort_keys=True).encode() + b"\n")

    def insist_on_files(self) -> None:
        """`Corrupt` where a folder stands in place of a file."""
        for path in self._files:
            if path.is_dir():
                raise Corrupt(
                    f"{path}: got a folder, wanted a file of the run",
                    hint="move it away, or begin again with --restart, which removes it",
                )

    def tidy(self) -> None:
        """Remove what a process that was killed while it wrote has left; who holds the folder's lock is alone here."""
        for path in self.path.glob(".*.tmp"):
            path.unlink()

    def forget(self) -> None:
        """Begin again: state, document and log go, and whatever stands in their place."""
        for path in self._files:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @property
    def _files(self) -> tuple[Path, ...]:
        return self.state, self.document, self.log
