"""Chunks become a blob when they make what was said, and else nothing does."""

import hashlib
import os
import shutil
import time
import tracemalloc
from pathlib import Path

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, NotFound
from adapterhub.hub import Hub
from adapterhub.protocols.hf_hub.answers import Full, TooLarge
from adapterhub.protocols.xet.shard import SMALLEST
from adapterhub.protocols.xet.xorb import LARGEST_CHUNK
from adapterhub.reference import Name
from adapterhub.server.claims import Claims
from adapterhub.server.ingest.xet import XetIngest
from adapterhub.server.ingest.xet_file import OPEN
from adapterhub.server.ingest.xet_kept import xorb_path
from adapterhub.server.ingest.xet_making import MOST
from adapterhub.server.room import Room
from adapterhub.server.settings import Serving
from adapterhub.store.depots import SHORTEST
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from tests.protocols.xet.making import GOLDEN_NAME, GOLDEN_SHARD, GOLDEN_XORB, POEM, chunk, file, header, named, shard
from tests.protocols.xet.making import term as a_term
from tests.server.ingest.sending import LARGEST, POET, ingest_at, send_shard, send_xorb, shard_of, xorb_of

A, B = named("a"), named("b")
WORDS = tuple(word.ljust(SMALLEST) for word in (b"shall I", b"compare", b"thee to"))
LINE, SIZE = b"".join(WORDS), 3 * SMALLEST


def blobs(ingest: XetIngest) -> list[bytes]:
    return [path.read_bytes() for _, path in ingest.store.blobs.all()]


def sent(ingest: XetIngest, name: str = A) -> str:
    """A depot with the words."""
    depot = ingest.begin()
    assert send_xorb(ingest, depot, name, xorb_of(WORDS))
    return depot


def test_what_hf_xet_sends_becomes_a_blob_under_its_sha256(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    depot = ingest.begin()
    assert send_xorb(ingest, depot, GOLDEN_NAME, GOLDEN_XORB)
    assert not send_xorb(ingest, depot, GOLDEN_NAME, GOLDEN_XORB)
    assert send_shard(ingest, depot, GOLDEN_SHARD) == 1
    assert blobs(ingest) == [POEM]
    assert ingest.store.blobs.read(Digest.of(POEM), "the poem") == POEM


def test_what_was_made_is_claimed_by_its_sender_and_no_sweep_takes_it(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    send_shard(ingest, sent(ingest), shard_of(LINE, (A, SIZE, 0, 3)))
    assert ingest.claims.holds("ada", Digest.of(LINE))
    assert not ingest.claims.holds("bob", Digest.of(LINE))
    assert sweep(ingest.store, grace=0).deleted == 0
    assert blobs(ingest) == [LINE]
    assert Hub.open(tmp_path).check().ok


def test_a_client_that_asks_again_gets_the_same_answer_at_once(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    depot, line = sent(ingest), shard_of(LINE, (A, SIZE, 0, 3))
    assert send_shard(ingest, depot, line) == 1
    xorb_path(ingest.depots.folder / ingest.owner / depot, A).unlink()
    assert send_shard(ingest, depot, line) == 1
    ingest.store.layout.blob(Digest.of(LINE)).unlink()
    with pytest.raises(Corrupt, match="never sent"):
        send_shard(ingest, depot, line)


Chunks = st.lists(st.binary(min_size=1, max_size=40).map(lambda data: data * (SMALLEST // len(data) + 1)), min_size=1)


@settings(max_examples=30)
@given(st.lists(Chunks, min_size=1, max_size=OPEN + 3), st.data())
def test_any_chunks_of_any_xorbs_make_a_file_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, xorbs: list[list[bytes]], draw: st.DataObject
) -> None:
    ingest = ingest_at(tmp_path_factory.mktemp("store"))
    depot = ingest.begin()
    for number, chunks in enumerate(xorbs):
        send_xorb(ingest, depot, named(str(number)), xorb_of(chunks, draw.draw(st.sampled_from([0, 1, 2]))))
    whole, terms = b"", []
    for _ in range(draw.draw(st.integers(1, 20))):
        number = draw.draw(st.integers(0, len(xorbs) - 1))
        start = draw.draw(st.integers(0, len(xorbs[number]) - 1))
        end = draw.draw(st.integers(start + 1, len(xorbs[number])))
        piece = b"".join(xorbs[number][start:end])
        whole += piece
        terms.append((named(str(number)), len(piece), start, end))
    send_shard(ingest, depot, shard_of(whole, *terms))
    assert ingest.store.blobs.read(Digest.of(whole), "it") == whole


LIES = {
    "other bytes than the sha256 says": shard_of(b"something else", (A, SIZE, 0, 3)),
    "a xorb that was never sent": shard_of(LINE, (B, SIZE, 0, 3)),
    "chunks that the xorb has not": shard_of(LINE, (A, SIZE, 0, 4)),
    "more bytes than the chunks have": shard_of(LINE, (A, SIZE + 1, 0, 3)),
    "fewer bytes than the chunks have": shard_of(LINE, (A, SIZE - 1, 0, 3)),
    "a part of the file only": shard_of(LINE, (A, 2 * SMALLEST, 0, 2)),
    "no shard": b"poet" * 30,
}


@pytest.mark.parametrize("data", LIES.values(), ids=LIES)
def test_a_shard_that_does_not_hold_makes_nothing_and_ends_the_depot(tmp_path: Path, data: bytes) -> None:
    ingest = ingest_at(tmp_path)
    depot = sent(ingest)
    with pytest.raises(Corrupt):
        send_shard(ingest, depot, data)
    assert blobs(ingest) == []
    left = [path for path in ingest.store.layout.incoming.iterdir() if path.is_file()]
    assert [path.name for path in left if path.suffix != ".lease"] in ([], ["lock"])
    again = ingest.begin()
    assert again != depot
    assert send_xorb(ingest, again, A, xorb_of(WORDS))
    assert send_shard(ingest, again, shard_of(LINE, (A, SIZE, 0, 3))) == 1


def test_what_is_no_xorb_is_not_kept(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    depot = ingest.begin()
    with pytest.raises(Corrupt):
        send_xorb(ingest, depot, A, b"poet")
    assert [path.name for path in (ingest.depots.folder / ingest.owner / depot).iterdir()] == ["lock"]


def test_what_one_caller_sent_is_of_no_use_and_no_harm_to_another(tmp_path: Path) -> None:
    ada = ingest_at(tmp_path)
    others = [ingest_at(tmp_path, "eve"), ingest_at(tmp_path, "ada", Name("ada", "other"))]
    depot = sent(ada)
    for other in others:
        with pytest.raises(NotFound):
            send_xorb(other, depot, A, xorb_of([b"poison"]))
        with pytest.raises(Corrupt, match="never sent"):
            send_shard(other, other.begin(), shard_of(LINE, (A, SIZE, 0, 3)))
        send_xorb(other, other.begin(), A, xorb_of([b"poison" * 4]))
    assert send_shard(ada, depot, shard_of(LINE, (A, SIZE, 0, 3))) == 1
    assert ada.begin() == depot


def test_who_knows_a_digest_gets_nothing_by_it_without_the_bytes(tmp_path: Path) -> None:
    ada = ingest_at(tmp_path)
    send_shard(ada, sent(ada), shard_of(LINE, (A, SIZE, 0, 3)))
    eve = ingest_at(tmp_path, "eve")
    depot = eve.begin()
    send_xorb(eve, depot, A, xorb_of([bytes(SIZE)]))
    with pytest.raises(Corrupt, match="they make"):
        send_shard(eve, depot, shard_of(LINE, (A, SIZE, 0, 1)))
    assert not eve.claims.holds("eve", Digest.of(LINE))
    assert blobs(ada) == [LINE]


def large(size: int) -> tuple[str, int, int, int]:
    return (A, size, 0, 1)


def test_a_file_that_is_too_large_is_refused_before_a_byte_is_made(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    depot = sent(ingest)
    with pytest.raises(TooLarge, match="a file here has"):
        send_shard(ingest, depot, shard_of(LINE, large(LARGEST), large(1)))
    many = [file(A, [a_term(*large(LARGEST))])] * (MOST + 1)
    with pytest.raises(TooLarge, match="an upload has"):
        send_shard(ingest, depot, shard(*many))
    assert ingest.begin() == depot


def test_a_bomb_bursts_before_it_is_unpacked(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    depot = ingest.begin()
    bomb = lz4.frame.compress(bytes(60 << 20))[:LARGEST_CHUNK]
    for scheme in (1, 2):
        send_xorb(ingest, depot, A, header(len(bomb), scheme, LARGEST_CHUNK) + bomb)
        tracemalloc.start()
        try:
            with pytest.raises(Corrupt, match="does not unpack"):
                send_shard(ingest, depot, shard_of(b"boom", (A, LARGEST_CHUNK, 0, 1)))
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()
    assert blobs(ingest) == []


def test_memory_stays_flat_however_large_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create()
    ingest = XetIngest(store, Claims(store.layout), Serving(largest=1 << 30), "ada", POET)
    depot, piece = ingest.begin(), bytes(range(256)) * 512
    send_xorb(ingest, depot, A, chunk(piece, 1) * 100)
    wanted = hashlib.sha256(piece * 600).hexdigest()
    tracemalloc.start()
    try:
        send_shard(ingest, depot, shard(file(wanted, [a_term(A, len(piece) * 100, 0, 100)] * 6)))
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()
    assert store.layout.blob(Digest(wanted)).stat().st_size == 600 * len(piece)


def test_a_disk_that_is_full_is_told_before_a_byte_is_taken(tmp_path: Path) -> None:
    depot = ingest_at(tmp_path).begin()
    full = ingest_at(tmp_path, serving=Serving(spare=1 << 60))
    with full.receiving(depot) as (_, path), pytest.raises(Full, match="no room for 5 bytes more"):
        full.insist_room(path.parent, 5)
    with pytest.raises(Full):
        full.begin()


def test_on_a_full_disk_depots_go_sooner(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, serving=Serving(spare=1 << 60))
    depots = [ingest.depots.current(owner * 64) for owner in "ab"]
    for owner, depot, seconds in zip("ab", depots, (SHORTEST + 60, SHORTEST - 60), strict=True):
        lock = ingest.depots.folder / (owner * 64) / depot / "lock"
        os.utime(lock, (time.time() - seconds,) * 2)
    with pytest.raises(Full):
        ingest.begin()
    assert [path.name for path in ingest.depots.folder.iterdir()] == ["b" * 64]


def test_a_shard_that_claims_more_than_the_disk_has_makes_nothing(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path, serving=Serving(largest=1 << 40, spare=0))
    depot = ingest.begin()
    send_xorb(ingest, depot, A, chunk(bytes(LARGEST_CHUNK), 1) * 8)
    term = a_term(A, 8 * LARGEST_CHUNK, 0, 8)
    free = shutil.disk_usage(tmp_path).free
    per_file = free // 2 // (8 * LARGEST_CHUNK) + 1
    names = [hashlib.sha256(bytes([number])).hexdigest() for number in range(2)]
    with pytest.raises(Full, match="no room"):
        send_shard(ingest, depot, shard(*(file(name, [term] * per_file) for name in names)))
    assert blobs(ingest) == []
    assert ingest.begin() == depot


def test_room_is_wanted_for_what_its_sender_has_not_made_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = ingest_at(tmp_path)
    depot, asked = sent(ingest), list[int]()
    monkeypatch.setattr(Room, "insist", lambda _, size=0: asked.append(size))
    for wanted in (SIZE, 0):
        asked.clear()
        send_shard(ingest, depot, shard_of(LINE, (A, SIZE, 0, 3)))
        assert asked[0] == wanted


def test_the_disk_is_looked_at_while_a_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = ingest_at(tmp_path)
    depot, asked = sent(ingest), list[int]()

    def insist(room: Room, size: int = 0) -> None:
        asked.append(size)
        if len(asked) > 1:  # another upload was faster
            raise Full("no room", hint="later")

    monkeypatch.setattr(Room, "insist", insist)
    with pytest.raises(Full):
        send_shard(ingest, depot, shard_of(LINE, (A, SIZE, 0, 3)))
    assert len(asked) == 2
    assert blobs(ingest) == []
    assert not [path for path in ingest.store.layout.incoming.iterdir() if path.suffix in (".tmp", ".ready")]


def test_one_upload_has_an_end_in_bytes_and_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = ingest_at(tmp_path)
    depot = sent(ingest)
    folder = ingest.depots.folder / ingest.owner / depot
    monkeypatch.setattr("adapterhub.server.ingest.xet.FULL", 0)
    ingest.insist_room(folder, MOST * LARGEST - 2 * SIZE)
    with pytest.raises(TooLarge, match=f"at most {MOST * LARGEST} in"):
        ingest.insist_room(folder, MOST * LARGEST)
    monkeypatch.setattr("adapterhub.server.ingest.xet.MANY", 0)
    with pytest.raises(TooLarge, match="bytes in 2 pieces are here") as told:
        ingest.insist_room(folder, 1)
    assert "several commits" in told.value.hint
