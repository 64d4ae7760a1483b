"""Clients that pull adapters as huggingface_hub does, and verify what they get."""

import hashlib
import time
from functools import partial
from typing import Any

from benchmarks.serving.crowd import Seen, at_once, until
from benchmarks.serving.wire import Client, Failed

__all__ = ["fetch", "pull"]


def pull(url: str, token: str, names: list[str], clients: int, begin: float, seconds: float) -> dict[str, Any]:
    """So many clients pull, for so many seconds from `begin`; every file's digest is that which was announced."""
    end = begin + seconds

    def client(number: int, seen: Seen) -> None:
        with Client(url, token) as at:
            time.sleep(max(0.0, begin - time.time()))
            until(end, seen, lambda turn: _adapter(at, names[(number + turn) % len(names)], seen, end))

    return at_once(clients, client).plain()


def _adapter(at: Client, name: str, seen: Seen, end: float) -> None:
    """What it has, and then each file: its head, its bytes."""
    told = at.json("GET", f"/api/models/{name}/revision/main?blobs=true")
    for file in told["siblings"]:
        path = f"/{name}/resolve/{told['sha']}/{file['rfilename']}"
        head, _ = at.ask("HEAD", path)
        wanted = file["lfs"]["sha256"] if file.get("lfs") else file["blobId"]
        if (head.headers["ETag"] or "").strip('"') != wanted:
            raise Failed(f"{path}: ETag {head.headers['ETag']}, wanted {wanted}")
        hashed = hashlib.sha256() if file.get("lfs") else hashlib.sha1(b"blob %d\0" % file["size"])
        at.take(path, partial(_sink, hashed, seen, end))
        if hashed.hexdigest() != wanted:
            raise Failed(f"{path}: other bytes came than were announced")


def _sink(hashed: Any, seen: Seen, end: float, piece: memoryview) -> None:
    before = time.thread_time()
    hashed.update(piece)
    seen.hashing += time.thread_time() - before
    if time.time() < end:
        seen.bytes += len(piece)


def fetch(url: str, token: str, path: str, clients: int) -> dict[str, Any]:
    """So many clients fetch one file at once and throw it away; and seconds until all have it."""

    def client(number: int, seen: Seen) -> None:
        with Client(url, token) as at:
            begun = time.perf_counter()
            seen.bytes = at.take(path, lambda piece: None)
            seen.took.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    seen = at_once(clients, client)
    return {"seconds": time.perf_counter() - begun, **seen.plain()}
