"""The parts of the registry that lies beside this folder; a local store's own belongings are none of them."""

import shutil
from pathlib import Path

__all__ = ["PARTS", "REGISTRY", "copy_registry", "size_of"]

REGISTRY = Path(__file__).resolve().parent.parent
PARTS = ("registry.json", "catalog.json", "names", "notes", "events", "bases", "blobs")


def copy_registry(source: Path, target: Path) -> Path:
    """A copy of a registry that may be written to; returns `target`."""
    target.mkdir(parents=True)
    for name in PARTS:
        part = source / name
        if part.is_dir():
            shutil.copytree(part, target / name)
        else:
            shutil.copy(part, target / name)
    return target


def size_of(registry: Path) -> int:
    """The bytes of all its files."""
    parts = (registry / name for name in PARTS)
    return sum(path.stat().st_size for part in parts for path in (part, *part.rglob("*")) if path.is_file())
