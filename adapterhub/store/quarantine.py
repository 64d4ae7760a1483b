"""Where repairs put what is damaged: out of the way, and kept."""

import contextlib
import os
import secrets
from pathlib import Path

from adapterhub.durable import make_folder
from adapterhub.store.layout import Layout

__all__ = ["aside", "set_aside"]


def aside(layout: Layout, path: Path) -> Path:
    """A new place for a damaged file."""
    folder = layout.incoming / "quarantine"
    make_folder(folder)
    return folder / f"{path.name[:200]}.{secrets.token_hex(4)}"


def set_aside(layout: Layout, path: Path) -> None:
    """Move what is damaged out of the way."""
    with contextlib.suppress(FileNotFoundError):
        os.replace(path, aside(layout, path))
