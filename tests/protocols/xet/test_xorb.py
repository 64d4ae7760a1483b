"""A xorb is read as hf_xet writes it; one that lies is refused, and nothing is unpacked beyond what it claims."""

import contextlib
import io
import random
import tracemalloc

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Corrupt
from adapterhub.protocols.xet.xorb import LARGEST_CHUNK, MOST_CHUNKS, Chunk, read_chunks, unpack
from tests.protocols.xet.making import GOLDEN_XORB, POEM, chunk, header


def whole(xorb: bytes) -> bytes:
    """All bytes of all chunks."""
    return b"".join(unpack(xorb[c.start :][: c.packed], c) for c in read_chunks(io.BytesIO(xorb)))


def test_what_hf_xet_wrote_is_read() -> None:
    assert read_chunks(io.BytesIO(GOLDEN_XORB)) == (Chunk(8, 31, 1, 200),)
    assert whole(GOLDEN_XORB) == POEM


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=300), st.sampled_from([0, 1, 2])), min_size=1, max_size=9))
def test_chunks_of_every_scheme_come_back(chunks: list[tuple[bytes, int]]) -> None:
    assert whole(b"".join(chunk(data, scheme) for data, scheme in chunks)) == b"".join(data for data, _ in chunks)


def test_a_footer_says_nothing_new() -> None:
    assert whole(chunk(b"poet") + b"XETBLOB\x01" + b"\0" * 40) == b"poet"


@given(st.binary(max_size=200), st.integers(0, 45), st.binary(max_size=8))
def test_hostile_bytes_are_corrupt_or_read_and_never_more(noise: bytes, at: int, change: bytes) -> None:
    spoiled = GOLDEN_XORB[:at] + change + GOLDEN_XORB[at + len(change) :]
    for xorb in (noise, b"\0" + noise, spoiled):
        try:
            chunks = read_chunks(io.BytesIO(xorb))
        except Corrupt:
            continue
        assert chunks[-1].start + chunks[-1].packed <= len(xorb)
        for found in chunks:
            with contextlib.suppress(Corrupt):
                assert len(unpack(xorb[found.start :][: found.packed], found)) == found.size


# 50 empty blocks are a frame that unpacks, and each of them costs.
EMPTY = lz4.frame.compress(b"p", store_size=False)[:7] + b"\1\0\0\0\0" * 50 + b"\1\0\0\x80p" + bytes(4)
LIES = {
    "nothing at all": b"",
    "a header that ends early": header(4, 0, 4)[:5],
    "another version": header(4, 0, 4, version=1) + b"poet",
    "a chunk that ends early": header(5, 0, 5) + b"poet",
    "half a footer": chunk(b"poet") + b"XETB",
    "a chunk of no bytes": header(0, 0, 0),
    "a chunk that is too large": header(31, 1, LARGEST_CHUNK + 1) + GOLDEN_XORB[8:],
    "a chunk that is packed into too much": header(2 * LARGEST_CHUNK + 1, 1, 9) + b"p" * (2 * LARGEST_CHUNK + 1),
    "a byte that is packed into empty blocks": header(len(EMPTY), 1, 1) + EMPTY,
    "the same in groups of four": header(len(EMPTY), 2, 1) + EMPTY,
    "an unknown scheme": header(4, 3, 4) + b"poet",
    "a chunk as it is of two sizes": header(4, 0, 5) + b"poet",
    "too many chunks": chunk(b"p") * (MOST_CHUNKS + 1),
}


@pytest.mark.parametrize("xorb", LIES.values(), ids=LIES)
def test_a_header_that_lies_is_corrupt(xorb: bytes) -> None:
    with pytest.raises(Corrupt, match="xorb: "):
        read_chunks(io.BytesIO(xorb))


BOMB = lz4.frame.compress(bytes(30 << 20))[: 2 * LARGEST_CHUNK]


def test_a_chunk_of_noise_may_be_packed_though_that_makes_it_no_smaller() -> None:
    for size in (1, 2, 127, LARGEST_CHUNK):
        for more in ({}, {"content_checksum": True, "block_checksum": True, "block_size": 4}):
            noise = random.Random(size).randbytes(size)
            packed = lz4.frame.compress(noise, **more)
            assert whole(header(len(packed), 1, size) + packed) == noise


PACKED = {
    "no frame": b"poet" * 5,
    "less than it claims": lz4.frame.compress(b"p" * 99),
    "more than it claims": lz4.frame.compress(b"p" * 101),
    "a frame that goes on": lz4.frame.compress(b"p" * 100)[:-4],
    "two frames": lz4.frame.compress(b"p" * 100) + lz4.frame.compress(b"p"),
    "something behind the frame": lz4.frame.compress(b"p" * 100) + b"poet",
    "a frame with a wrong checksum": lz4.frame.compress(b"p" * 100, content_checksum=True)[:-1] + b"?",
    "a bomb": BOMB,
}


@pytest.mark.parametrize("scheme", [1, 2])
@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_what_unpacks_to_something_else_is_corrupt(packed: bytes, scheme: int) -> None:
    with pytest.raises(Corrupt, match="chunk at 8"):
        unpack(packed, Chunk(8, len(packed), scheme, 100))


def test_a_bomb_is_unpacked_no_further_than_it_claims() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Corrupt):
            unpack(BOMB, Chunk(8, len(BOMB), 1, LARGEST_CHUNK))
        assert tracemalloc.get_traced_memory()[1] < 3 * LARGEST_CHUNK
    finally:
        tracemalloc.stop()


def test_a_chunk_that_was_cut_is_corrupt() -> None:
    with pytest.raises(Corrupt, match="has 3 bytes"):
        unpack(b"poe", Chunk(8, 4, 0, 4))
