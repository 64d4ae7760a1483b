"""Under which name another program knows a run, kept beside its log, so that a run that goes on goes on there too."""

from collections.abc import Callable
from pathlib import Path

from adapterhub.durable import replace

__all__ = ["identity"]


def identity(path: Path, step: int, make: Callable[[], str]) -> str:
    """The name that is kept, for a run that goes on after some step; a fresh one for a run that begins."""
    if step and path.is_file():
        return path.read_text(encoding="utf-8").strip()
    fresh = make()
    replace(path, f"{fresh}\n".encode())
    return fresh
