"""Places: what may lie where below a store. Whatever else lies there is named as a stray, and never read."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from adapterhub.store.layout import APART, Layout
from adapterhub.version import is_label

__all__ = ["inside", "noted_apart", "strays"]

OF_A_NAME = ("aliases", "notes", "removed", "versions")
OF_A_REPOSITORY = ("commits", "heads", "lost", "tags")
FOLDERS = ("names", "bases", "notes", "events", "repos", "blobs", "incoming", "cache")
FILES = ("settings.json", "index.sqlite")

Allowed = Callable[[Path], bool]


def inside(folder: Path) -> list[Path]:
    """What lies in a folder, by name, without what is being written; nothing where there is no folder."""
    try:
        with os.scandir(folder) as found:
            return [folder / name for name in sorted(item.name for item in found if item.name[0] != ".")]
    except (FileNotFoundError, NotADirectoryError):
        return []


def noted_apart(layout: Layout) -> Iterator[Path]:
    """The folders of notes that count under one name alone."""
    for name in (name for namespace in inside(layout.names) for name in inside(namespace)):
        yield from inside(name / "notes")


def strays(layout: Layout) -> Iterator[Path]:
    """What the layout has no place for. Versions, notes, cards, events, blobs and what makes a history are judged by
    whoever reads them."""
    for folder, allowed in _places(layout):
        # What a sweep took away meanwhile is no stray.
        yield from (path for path in inside(folder) if not allowed(path) and os.path.lexists(path))


def _in_root(path: Path) -> bool:
    return path.is_dir() if path.name in FOLDERS else path.is_file() if path.name in FILES else True


def _places(layout: Layout) -> Iterator[tuple[Path, Allowed]]:
    yield layout.root, _in_root
    yield layout.incoming, lambda path: path.is_file() or path.is_dir()
    yield layout.names, Path.is_dir
    for namespace in inside(layout.names):
        yield namespace, Path.is_dir
        for name in inside(namespace):
            yield name, lambda path: path.name in OF_A_NAME and path.is_dir()
            yield name / "aliases", lambda path: is_label(path.name)
            yield name / "notes", Path.is_dir
    for folder in noted_apart(layout):
        yield folder, lambda path: path.suffix == ".json" or path.name == APART
    yield layout.repos, Path.is_dir
    for namespace in inside(layout.repos):
        yield namespace, Path.is_dir
        for name in inside(namespace):
            yield name, lambda path: path.name == "repo.json" or (path.name in OF_A_REPOSITORY and path.is_dir())
    yield layout.blobs.parent, lambda path: path == layout.blobs and path.is_dir()
    yield layout.blobs, Path.is_dir
    yield layout.root / "notes", Path.is_dir
    for folder in (*inside(layout.root / "notes"), layout.root / "bases", layout.events):
        yield folder, lambda path: path.suffix == ".json"
