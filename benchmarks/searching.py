"""`search` and `list` over many entries, and how they grow."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from adapterhub.entry import Entry, FolderFiles
from adapterhub.hub import Hub
from adapterhub.manifest import File, Manifest
from adapterhub.note import Note
from adapterhub.reference import parse
from benchmarks.adapters import write_adapter
from benchmarks.process import ADAPTERHUB, seconds
from benchmarks.row import Row, interleaved

__all__ = ["measure"]

AIM = 0.2
SMALL = 1000
WHERE = "rank>=8 and accuracy>0.99"
IMPORTS = "import adapterhub.store.index.query, adapterhub.cli.app, adapterhub.hub, adapterhub.verbs.look"


def measure(folder: Path, *, runs: int, entries: int) -> list[Row]:
    rows = []
    for count in sorted({min(SMALL, entries), entries}):
        home = folder / f"store-{count}"
        built, first = _timed(lambda home=home, count=count: build(home, count)), seconds(_search(), home)
        took = interleaved(
            runs,
            {
                "imports": lambda: seconds([sys.executable, "-c", IMPORTS], home),  # noqa: B023
                "search": lambda: seconds(_search(), home),  # noqa: B023
                "list": lambda: seconds([*ADAPTERHUB, "list", "--json"], home),  # noqa: B023
            },
        )
        beyond = max(0.0, took["search"] - took["imports"])
        what = f"{count:,} entries"
        rows += [
            Row(f"`search --where`, {what}, beyond its imports", beyond, "s", aim=AIM),
            Row(f"`search --where`, {what}, whole process", took["search"], "s"),
            Row(f"first `search`, {what}: the index is built", first, "s"),
            Row(f"`list --json`, {what}, whole process", took["list"], "s"),
            Row(f"building the store, {what}, without fsync", built, "s"),
        ]
    return rows


def _search() -> list[str]:
    return [*ADAPTERHUB, "search", "--where", WHERE, "--json"]


def _timed(step: object) -> float:
    start = time.perf_counter()
    step()  # type: ignore[operator]
    return time.perf_counter() - start


def build(home: Path, count: int) -> None:
    """A store of so many entries, made by the store's own code; only the waiting for the disk is left out."""
    hub = Hub.open(home)
    store = hub.desk.store
    with _without_fsync():
        for number in range(count):
            folder = write_adapter(home.parent / "one", rank=1 + number % 64, seed=number)
            manifest, files = _manifest(folder)
            metrics = Note(
                about=str(manifest.digest),
                kind="metrics",
                data={"accuracy": (number * 7919 % 10007) / 10007},
                time="2026-01-01T00:00:00Z",
            )
            store.publish(Entry(manifest, files, (metrics,)), parse(f"team{number % 100}/adapter{number}"))
    old = time.time() - 3600
    os.utime(store.layout.events, (old, old))  # a store in use for longer than a minute


def _manifest(folder: Path) -> tuple[Manifest, FolderFiles]:
    from adapterhub.digest import Digest

    files = [
        File(path=path.name, size=path.stat().st_size, sha256=Digest.of(path.read_bytes()).hex)
        for path in sorted(folder.iterdir())
    ]
    return Manifest(kind="adapter", files=tuple(files)), FolderFiles(folder)


@contextlib.contextmanager
def _without_fsync() -> Iterator[None]:
    real, os.fsync = os.fsync, lambda _: None
    try:
        yield
    finally:
        os.fsync = real
