"""The clock of whatever holds a store: one for all machines that write there, while theirs may differ."""

import os
import tempfile
from pathlib import Path

__all__ = ["clock_of"]


def clock_of(folder: Path) -> float:
    """Seconds since 1970 where a folder lies: a file server's clock, or the kernel's."""
    with tempfile.TemporaryFile(suffix=".tmp", dir=folder) as made:
        return os.fstat(made.fileno()).st_mtime
