"""A shard makes what its chunks make, in whatever order it names them, or it is refused; it never costs much more."""

import hashlib
from pathlib import Path
from threading import Event

import pytest

from adapterhub.digest import CHUNK, Digest
from adapterhub.errors import Corrupt
from adapterhub.protocols.xet.shard import SMALLEST
from adapterhub.protocols.xet.xorb import LARGEST_CHUNK, MOST_CHUNKS
from adapterhub.server.ingest.body import Broken
from adapterhub.server.ingest.xet import XetIngest
from adapterhub.server.ingest.xet_making import WORTH
from adapterhub.server.settings import Serving
from tests.protocols.xet.making import LAST, chunk, file, named, shard, term
from tests.server.ingest.sending import ingest_at, send_shard, send_xorb, shard_of, xorb_of

A, B = named("a"), named("b")
CHUNKS = tuple(bytes([97 + number]) * SMALLEST for number in range(10))
WHOLE = b"".join(CHUNKS)


def part(start: int, end: int, xorb: str = A) -> tuple[bytes, tuple[str, int, int, int]]:
    """Some of the chunks: the bytes they make, and the term that names them."""
    data = b"".join(CHUNKS[start:end])
    return data, (xorb, len(data), start, end)


SHAPES = {
    "ranges that overlap": [part(0, 6), part(3, 9), part(5, 7)],
    "ranges inside others": [part(0, 10), part(4, 5), part(0, 10)],
    "chunks in the opposite order": [part(place, place + 1) for place in reversed(range(10))],
    "one chunk again and again": [part(7, 8)] * 1000,
    "two xorbs by turns": [part(place % 10, place % 10 + 1, (A, B)[place % 2]) for place in range(200)],
    "nothing": [],
}


def both(root: Path) -> tuple[XetIngest, str]:
    """A depot with two xorbs of the same chunks, packed in two ways."""
    ingest = ingest_at(root)
    depot = ingest.begin()
    send_xorb(ingest, depot, A, xorb_of(CHUNKS, 1))
    send_xorb(ingest, depot, B, xorb_of(CHUNKS, 2))
    return ingest, depot


@pytest.mark.parametrize("parts", SHAPES.values(), ids=SHAPES)
def test_chunks_make_a_file_in_whatever_order_they_are_named(
    tmp_path: Path, parts: list[tuple[bytes, tuple[str, int, int, int]]]
) -> None:
    ingest, depot = both(tmp_path)
    data = b"".join(data for data, _ in parts)
    assert send_shard(ingest, depot, shard_of(data, *(one for _, one in parts))) == 1
    assert ingest.store.blobs.read(Digest.of(data), "it") == data


def test_files_of_one_shard_share_chunks_come_twice_and_may_be_empty(tmp_path: Path) -> None:
    ingest, depot = both(tmp_path)
    wanted = [WHOLE, b"", WHOLE, WHOLE[::-1], WHOLE[: 3 * SMALLEST], b""]
    backwards = [term(B, SMALLEST, place, place + 1) for place in reversed(range(10))]
    whole, *parts = (term(*part(start, end)[1]) for start, end in ((0, 10), (0, 5), (5, 10), (0, 3)))
    terms = [[whole], [], parts[:2], backwards, parts[2:], []]
    files = [file(hashlib.sha256(data).hexdigest(), row) for data, row in zip(wanted, terms, strict=True)]
    assert send_shard(ingest, depot, shard(*files)) == 6
    assert {path.read_bytes() for _, path in ingest.store.blobs.all()} == set(wanted)


def test_a_file_that_is_said_to_be_empty_and_is_another_is_refused(tmp_path: Path) -> None:
    ingest, depot = both(tmp_path)
    with pytest.raises(Corrupt, match="they make sha256:e3b0c442"):
        send_shard(ingest, depot, shard(file(A, [])))


def test_a_shard_without_files_and_what_stands_behind_one_are_nothing(tmp_path: Path) -> None:
    ingest, depot = both(tmp_path)
    assert send_shard(ingest, depot, shard()) == 0
    assert send_shard(ingest, depot, shard_of(WHOLE, part(0, 10)[1]) + b"poet" * 100 + LAST) == 1


def test_ten_thousand_chunks_are_a_file_unless_they_are_tiny(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, serving=Serving())
    depot = ingest.begin()
    for size, good in ((SMALLEST, True), (SMALLEST - 1, False)):
        send_xorb(ingest, depot, A, chunk(b"p" * size) * MOST_CHUNKS)
        send_xorb(ingest, depot, B, chunk(b"q" * size) * 1808)
        data = b"p" * size * MOST_CHUNKS + b"q" * size * 1808
        line = shard_of(data, (A, size * MOST_CHUNKS, 0, MOST_CHUNKS), (B, size * 1808, 0, 1808))
        if good:
            assert send_shard(ingest, depot, line) == 1
            continue
        with pytest.raises(Corrupt, match="in 10000 chunks; they have 1024 at least"):
            send_shard(ingest, depot, line)


def test_many_terms_of_one_byte_are_refused_before_one_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = ingest_at(tmp_path)
    depot, made = ingest.begin(), list[object]()
    send_xorb(ingest, depot, A, chunk(b"p", 1))
    monkeypatch.setattr("adapterhub.server.ingest.xet_file.unpack", lambda *given: made.append(given))
    with pytest.raises(Corrupt, match="a file of 4000 bytes in 4000 chunks"):
        send_shard(ingest, depot, shard_of(b"p" * 4000, *[(A, 1, 0, 1)] * 4000))
    assert not made


def test_files_are_made_one_with_each_step(tmp_path: Path) -> None:
    ingest, depot = both(tmp_path)
    lines = [shard_of(WHOLE[:size], part(0, size // SMALLEST)[1])[48:-96] for size in (SMALLEST, 2 * SMALLEST)]
    with ingest.receiving(depot) as (sink, path):
        sink.write(shard(*lines))
        steps = ingest.make(sink, path, Event())
        for number in (1, 2):
            next(steps)
            assert len(list(ingest.store.blobs.all())) == number
        assert next(steps, None) is None


def zeros(root: Path, size: int) -> tuple[XetIngest, str, bytes]:
    """A depot with a xorb of 1 MiB in a few thousand bytes, and a shard that makes much of it."""
    ingest = ingest_at(root, serving=Serving())
    depot, each = ingest.begin(), 8 * LARGEST_CHUNK
    send_xorb(ingest, depot, A, chunk(bytes(LARGEST_CHUNK), 1) * 8)
    return ingest, depot, shard_of(bytes(size), *[(A, each, 0, 8)] * (size // each))


def test_nobody_goes_on_for_a_client_that_has_gone_where_little_was_sent(tmp_path: Path) -> None:
    ingest, depot, much = zeros(tmp_path, 64 * CHUNK)
    gone = Event()
    gone.set()
    with ingest.receiving(depot) as (sink, path):
        sink.write(much)
        with pytest.raises(Broken, match="went away"):
            list(ingest.make(sink, path, gone))
    assert not list(ingest.store.blobs.all())
    assert not list(ingest.store.layout.incoming.glob("*.tmp"))
    assert ingest.begin() == depot
    assert send_shard(ingest, depot, much) == 1


def test_what_was_sent_pays_for_going_on_so_a_client_that_lost_patience_finds_its_file(tmp_path: Path) -> None:
    ingest, depot, much = zeros(tmp_path, 8 * CHUNK)
    send_xorb(ingest, depot, B, chunk(bytes(LARGEST_CHUNK)) * (8 * 8 // WORTH))
    gone = Event()
    gone.set()
    with ingest.receiving(depot) as (sink, path):
        sink.write(much)
        assert len(list(ingest.make(sink, path, gone))) == 1
    assert ingest.store.blobs.has(Digest.of(bytes(8 * CHUNK)))
