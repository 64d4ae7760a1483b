"""What a disk holds when the power fails: only what was synced is sure to be there.

A model of a file system that plays the steps of a process again. A file's bytes are durable after an `fsync` of the
file, a name in a folder after one of the folder. Of everything else a real disk keeps some and loses some, in any
order, so a failure is asked for with a choice: keep nothing that was not synced, keep all names and no bytes (as file
systems do that write names first), or keep each thing or not as a random number says.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from tests.crash.steps import Step

Keep = Callable[[str], bool]
"""Whether something that was not synced is there after all; asked with "name" or "bytes"."""

Tree = dict[str, bytes | None]
"""Path -> bytes, or None for a folder; a folder before what is in it."""


@final
@dataclass(eq=False)
class File:
    """A file: what a process reads, and what a disk is sure to hold."""

    now: bytearray = field(default_factory=bytearray)
    durable: bytes = b""

    def sync(self) -> None:
        self.durable = bytes(self.now)

    def after(self, keep: Keep) -> bytes:
        """Its bytes after a failure."""
        return bytes(self.now) if keep("bytes") else self.durable


@final
@dataclass(eq=False)
class Folder:
    """A folder: its names as a process sees them, and those a disk is sure to hold."""

    now: "dict[str, File | Folder]" = field(default_factory=dict)
    durable: "dict[str, File | Folder]" = field(default_factory=dict)

    def sync(self) -> None:
        self.durable = dict(self.now)

    def after(self, keep: Keep) -> "dict[str, File | Folder]":
        """Its names after a failure: each change that was not synced is there or not."""
        names = dict(self.durable)
        for name in sorted(self.now.keys() | self.durable.keys()):
            if self.now.get(name) is not self.durable.get(name) and keep("name"):
                if name in self.now:
                    names[name] = self.now[name]
                else:
                    del names[name]
        return names


class Disk:
    """The file system below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = _load(root)
        self.open: dict[int, File | Folder] = {}

    def find(self, path: str) -> tuple[Folder, str]:
        """The folder a path lies in, and its last word."""
        words = Path(path).relative_to(self.root).parts
        folder = self.tree
        for word in words[:-1]:
            inner = folder.now[word]
            assert isinstance(inner, Folder)
            folder = inner
        return folder, words[-1] if words else ""

    def folder(self, path: str) -> Folder:
        """A folder by its path from the root."""
        found, name = self.find(str(self.root / path))
        inner = found.now[name]
        assert isinstance(inner, Folder)
        return inner

    def play(self, steps: Iterable[Step]) -> None:
        """Do what a process did."""
        for step in steps:
            if not step.path or Path(step.path).is_relative_to(self.root):
                self.do(step)

    def do(self, step: Step) -> None:
        match step.what:
            case "open" | "truncate":
                self.open[step.handle] = self.opened(step)
            case "write":
                if isinstance(file := self.open.get(step.handle), File):
                    file.now[step.at : step.at + len(step.data)] = step.data
            case "cut":
                file = self.open[step.handle]
                assert isinstance(file, File)
                del file.now[step.at :]
            case "fsync":
                self.open[step.handle].sync()
            case "chmod" | "utime":
                pass
            case _:
                self.rename(step)

    def opened(self, step: Step) -> File | Folder:
        folder, name = self.find(step.path)
        if not name:
            return folder
        found = folder.now.setdefault(name, File())
        if step.what == "truncate" and isinstance(found, File):
            found.now.clear()
        return found

    def rename(self, step: Step) -> None:
        folder, name = self.find(step.path)
        if step.what == "mkdir":
            folder.now[name] = Folder()
        elif step.what in ("unlink", "rmdir"):
            del folder.now[name]
        else:
            target, other = self.find(step.target)
            target.now[other] = folder.now[name]
            if step.what == "rename":
                del folder.now[name]

    def fail(self, below: str, keep: Keep) -> Tree:
        """What is there after a failure, below a folder of the root; nothing where that folder is not."""
        return dict(_left(self.tree.after(keep).get(below, Folder()), keep, ""))


def _load(path: Path) -> Folder:
    folder = Folder()
    for inner in path.iterdir():
        if inner.is_dir():
            folder.now[inner.name] = _load(inner)
        else:
            data = inner.read_bytes()
            folder.now[inner.name] = File(bytearray(data), data)
    folder.sync()
    return folder


def _left(found: File | Folder, keep: Keep, path: str) -> Iterator[tuple[str, bytes | None]]:
    if isinstance(found, File):
        yield path, found.after(keep)
        return
    yield path, None
    for name, inner in found.after(keep).items():
        yield from _left(inner, keep, f"{path}/{name}")


def write(tree: Tree, place: Path) -> None:
    """Write down what is there after a failure; a blob's mode comes with its name."""
    for path, data in tree.items():
        if data is None:
            (place / path[1:]).mkdir(exist_ok=True)
        else:
            (place / path[1:]).write_bytes(data)
            (place / path[1:]).chmod(0o444)
