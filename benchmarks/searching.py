"""Looking: `search --where` and `list` over very many entries, and how both grow."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.entry import Entry, FolderFiles
from adapterhub.manifest import File, Manifest
from adapterhub.reference import parse
from adapterhub.store.derived import facts_of
from adapterhub.store.store import Store
from benchmarks.adapters import config, header
from benchmarks.measure import Row, run, seconds

RANKS = (2, 4, 8, 16)
WHERE = "rank>=16 and accuracy>0.99"
SMALL = 1000

CHILD = """
import json, os, sys, time
start = time.perf_counter()
import adapterhub.cli.app, adapterhub.cli.commands.search, adapterhub.verbs.look, adapterhub.store.index.query
import adapterhub.formats.table
from adapterhub.hub import Hub
imported = time.perf_counter()
found = getattr(Hub.open(sys.argv[1]), sys.argv[2])(**json.loads(sys.argv[3]))
print(json.dumps([imported - start, time.perf_counter() - imported, len(found)]))
"""


def measure(folder: Path, entries: int, runs: int) -> list[Row]:
    """Rows of the table, for few and for many entries."""
    rows: list[Row] = []
    small = None
    for count in sorted({min(SMALL, entries), entries}):
        store = folder / str(count)
        build = seconds(lambda store=store, count=count: fill(store, count))
        rows += [Row("search", f"build a store of {count:,}, without fsync", build)]
        listed, _ = child(store, "list", {})
        index, _ = child(store, "search", {"where": WHERE})
        settle(store)
        times = sorted(child(store, "search", {"where": WHERE}) for _ in range(runs))
        found, hits = times[len(times) // 2]
        many, most = sorted(child(store, "search", {"where": "rank>=8 and accuracy>0.5"}) for _ in range(runs))[
            runs // 2
        ]
        stir(store)
        stirred, _ = child(store, "search", {"where": WHERE})
        rows += [
            Row("search", f"list {count:,} in a fresh process", listed),
            Row("search", f"first search over {count:,}: the index is made", index),
            Row("search", f"search over {count:,}, {hits} found", found, peer=small, beside="over 1,000", aim="0.2 s"),
            Row("search", f"search over {count:,}, {most} found", many),
            Row("search", f"search over {count:,} right after a change", stirred),
        ]
        small = found
    return rows


def child(store: Path, verb: str, question: dict[str, str]) -> tuple[float, int]:
    """Seconds a fresh process takes beyond its imports, and how many entries it found."""
    said = json.loads(run([sys.executable, "-c", CHILD, store, verb, json.dumps(question)]))
    return said[1], said[2]


def fill(root: Path, count: int) -> None:
    """So many entries, put in through the store's own session; nothing waits for the disk."""
    store = Store(root, "bench")
    folder = root.with_name(f"{root.name}-files")
    folder.mkdir()
    with no_sync(), store.session() as session:
        for number in range(count):
            entry = make(folder, number)
            note = store.say(entry.digest, "metrics", {"accuracy": round(number * 0.618034 % 1, 4)})
            entry = Entry(entry.manifest, entry.files, (note,))
            session.publish(entry, parse(f"team{number % 50}/adapter{number}@1"))
            facts_of(store, entry.digest)


def make(folder: Path, number: int) -> Entry:
    """A tiny adapter whose weights nobody else has."""
    rank = RANKS[number % len(RANKS)]
    data = {
        "adapter_config.json": config(rank),
        "adapter_model.safetensors": header(rank, 8, 1) + number.to_bytes(8, "little") * (4 * rank),
    }
    for name, content in data.items():
        (folder / name).write_bytes(content)
    files = tuple(File(path=name, size=len(c), sha256=Digest.of(c).hex) for name, c in data.items())
    return Entry(Manifest(kind="adapter", files=files), FolderFiles(folder))


@contextmanager
def no_sync() -> Iterator[None]:
    """Let nothing wait for the disk."""
    real = os.fsync
    os.fsync = lambda handle: None
    try:
        yield
    finally:
        os.fsync = real


def settle(root: Path) -> None:
    """Let an hour go by since the last event."""
    events = root / "events"
    then = events.stat().st_mtime - 3600
    for path in events.iterdir():
        os.utime(path, (then, then))
    os.utime(events, (then, then))


def stir(root: Path) -> None:
    """Change one entry, as somebody would who then searches."""
    store = Store(root, "bench")
    reference = parse("team0/adapter0@1")
    digest = store.resolve(reference).digest
    store.note(reference, store.say(digest, "tags", {"add": ["seen"]}))
