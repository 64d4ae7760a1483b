"""Small files of a store: names, notes, cards and events are read whole."""

from pathlib import Path

from adapterhub.errors import Corrupt

__all__ = ["read_small"]


def read_small(path: Path) -> bytes:
    """All bytes of a small file; `FileNotFoundError` where there is none, `Corrupt` where a folder is in its place."""
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise Corrupt(
            f"{path}: a folder, where a file should be", hint="`adapterhub check --repair` sets it aside"
        ) from None
