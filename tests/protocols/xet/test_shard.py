"""A shard is read as hf_xet writes it; one that lies is refused, and costs no memory however much it claims."""

import contextlib
import io
import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Corrupt
from adapterhub.protocols.xet.shard import MOST_FILES, SMALLEST, Term, read_files, read_terms
from adapterhub.protocols.xet.xorb import MOST_CHUNKS
from tests.protocols.xet.making import GOLDEN_NAME, GOLDEN_SHARD, LAST, POEM, file, named, shard, term

A, B = named("a"), named("b")


def read(data: bytes) -> list[tuple[str, int, list[Term]]]:
    """Every file: its sha256, size and terms."""
    stream = io.BytesIO(data)
    return [(block.sha256.hex, block.size, list(read_terms(stream, block))) for block in read_files(stream)]


def test_what_hf_xet_wrote_is_read() -> None:
    assert read(GOLDEN_SHARD) == [(sha256(POEM).hexdigest(), 200, [Term(GOLDEN_NAME, 200, 0, 1)])]


# What hf_xet 1.8 sent for a file of no bytes: neither terms nor a sha256, but room for one.
NOTHING = bytes.fromhex(f"{'00' * 32}000000c0{'00' * 60}")


def test_a_file_of_nothing_is_read_as_hf_xet_writes_it() -> None:
    empty = sha256(b"").hexdigest()
    found = read(shard(NOTHING, file(empty, []), file(A, [GOOD]), file("0" * 64, [GOOD])))
    assert [digest for digest, *_ in found] == [empty, empty, A, "0" * 64]
    assert [size for _, size, _ in found] == [0, 0, 10, 10]


Terms = st.lists(
    st.tuples(st.sampled_from([A, B]), st.integers(SMALLEST * 90, 1 << 20), st.integers(0, 9), st.integers(10, 90)),
    min_size=1,
)


@given(st.lists(st.tuples(st.sampled_from([A, B]), Terms, st.booleans()), max_size=5))
def test_files_and_their_terms_come_back(files: list[tuple[str, list[tuple[str, int, int, int]], bool]]) -> None:
    rows = [file(digest, [term(*one) for one in terms], 1 << 30 | hashed << 31) for digest, terms, hashed in files]
    wanted = [(digest, sum(size for _, size, _, _ in terms), terms) for digest, terms, _ in files]
    assert read(shard(*rows)) == wanted


@given(st.binary(max_size=100), st.integers(0, 336), st.binary(max_size=8))
def test_hostile_bytes_are_corrupt_or_read(noise: bytes, at: int, change: bytes) -> None:
    for data in (noise, GOLDEN_SHARD[:48] + noise, GOLDEN_SHARD[:at] + change + GOLDEN_SHARD[at + len(change) :]):
        with contextlib.suppress(Corrupt):
            assert all(size == sum(term.size for term in terms) for _, size, terms in read(data))


GOOD = term(A, 10, 0, 1)
LIES = {
    "nothing at all": b"",
    "another tag": shard(tag=b"p" * 32),
    "another version": shard(version=3),
    "no end": shard(file(A, [GOOD]))[: -2 * len(LAST)],
    "an end that is cut": shard()[:90],
    "a file without a sha256": shard(file(A, [GOOD], 1 << 31)),
    "chunks that go backwards": shard(file(A, [term(A, 10, 2, 1)])),
    "no chunk": shard(file(A, [term(A, 10, 1, 1)])),
    "no bytes": shard(file(A, [term(A, 0, 0, 1)])),
    "chunks that are too small": shard(file(A, [term(A, SMALLEST * 2 - 1, 0, 3)])),
    "many terms of one small chunk": shard(file(A, [term(A, 1, 0, 1)] * 4000)),
    "more chunks than a xorb has": shard(file(A, [term(A, 1 << 30, 0, MOST_CHUNKS + 1)])),
    "too many files": shard(file(A, [GOOD], 1 << 30) * (MOST_FILES + 1)),
}


@pytest.mark.parametrize("data", LIES.values(), ids=LIES)
def test_a_shard_that_lies_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt, match="shard: "):
        read(data)


def test_one_small_chunk_of_a_file_may_end_it() -> None:
    (found,) = read(shard(file(A, [term(A, SMALLEST, 0, 1), term(B, 1, 3, 4)])))
    assert found[1] == SMALLEST + 1


def test_terms_are_read_in_order_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapterhub.protocols.xet.shard.ROWS", 3)
    terms = [(A, SMALLEST * number, number, number + 1) for number in range(1, 12)]
    ((_, size, found),) = read(shard(file(A, [term(*one) for one in terms])))
    assert (size, found) == (SMALLEST * 66, terms)


def test_four_billion_terms_that_are_only_claimed_cost_nothing() -> None:
    claimed = bytearray(shard(file(A, [GOOD])))
    claimed[48 + 36 : 48 + 40] = b"\xff" * 4
    tracemalloc.start()
    try:
        with pytest.raises(Corrupt, match="4294967295 terms"):
            read(bytes(claimed))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
