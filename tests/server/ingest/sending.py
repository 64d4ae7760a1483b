"""What a client of Xet sends, by hand: to an ingest of this process."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from adapterhub.reference import Name
from adapterhub.server.claims import Claims
from adapterhub.server.ingest.xet import XetIngest
from adapterhub.server.settings import Serving
from adapterhub.store.store import Store
from tests.protocols.xet.making import chunk, file, shard, term

POET = Name("ada", "poet")
LARGEST = 1 << 20
SERVING = Serving(largest=LARGEST)


def ingest_at(
    root: Path, caller: str = "ada", name: Name = POET, claims: Claims | None = None, serving: Serving = SERVING
) -> XetIngest:
    """A caller's uploads to a repository."""
    store = Store(root)
    store.create()
    return XetIngest(store, claims or Claims(store.layout), serving, caller, name)


def send_xorb(ingest: XetIngest, depot: str, name: str, xorb: bytes) -> bool:
    with ingest.receiving(depot) as (sink, path):
        sink.write(xorb)
        return ingest.keep(sink, path, name)


def send_shard(ingest: XetIngest, depot: str, data: bytes) -> int:
    with ingest.receiving(depot) as (sink, path):
        sink.write(data)
        return len(list(ingest.make(sink, path, Event())))


def xorb_of(chunks: Sequence[bytes], scheme: int = 1) -> bytes:
    return b"".join(chunk(data, scheme) for data in chunks)


def shard_of(data: bytes, *terms: tuple[str, int, int, int]) -> bytes:
    """A shard of one file; its terms are (xorb, bytes, first chunk, the chunk after the last)."""
    return shard(file(hashlib.sha256(data).hexdigest(), [term(*one) for one in terms]))
