"""Bytes come in beside, and go on where they stopped."""

import errno
import fcntl
import io
import os
import resource
from pathlib import Path
from typing import BinaryIO

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt
from adapterhub.manifest import File
from adapterhub.store.layout import Layout
from adapterhub.store.leases import Lease
from adapterhub.store.staging import PIECE, Staging
from tests.builders import tree

DATA = bytes(range(256)) * 1024
FILE = File(path="weights", size=len(DATA), sha256=Digest.of(DATA).hex)


class Source:
    """A source that remembers where it was asked to begin, and may break after some bytes."""

    def __init__(self, data: bytes, breaks_at: int | None = None) -> None:
        self.data, self.breaks_at = data, breaks_at
        self.starts: list[int] = []

    def __call__(self, start: int) -> BinaryIO:
        self.starts.append(start)
        return _Breaking(self.data[start:], None if self.breaks_at is None else self.breaks_at - start)


class _Breaking(io.BytesIO):
    def __init__(self, data: bytes, breaks_at: int | None) -> None:
        super().__init__(data)
        self.breaks_at = breaks_at

    def read(self, size: int | None = -1, /) -> bytes:
        if self.breaks_at is not None and self.tell() >= self.breaks_at:
            raise ConnectionError("the line is dead")
        return super().read(size)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def part(layout: Layout, data: bytes) -> Path:
    """What an earlier process left."""
    layout.incoming.mkdir(exist_ok=True)
    path = layout.incoming / f"{FILE.sha256}.part"
    path.write_bytes(data)
    return path


def test_a_file_whose_source_breaks_goes_on_where_it_stopped(layout: Layout) -> None:
    with pytest.raises(ConnectionError):
        Staging(layout).fetch(FILE, Source(DATA, breaks_at=2 * PIECE))
    source = Source(DATA)
    staging = Staging(layout)
    assert staging.fetch(FILE, source) == len(DATA) - 2 * PIECE
    assert source.starts == [2 * PIECE]
    staging.land()
    assert layout.blob(FILE.blob).read_bytes() == DATA
    assert list(tree(layout.incoming)) == []


@pytest.mark.parametrize("left", [b"wrong" * 9, DATA[:-1] + b"x", DATA + b"more"], ids=["short", "full", "long"])
def test_what_lay_there_and_was_wrong_is_fetched_once_more_from_the_start(layout: Layout, left: bytes) -> None:
    part(layout, left)
    source = Source(DATA)
    staging = Staging(layout)
    staging.fetch(FILE, source)
    assert source.starts[-1] == 0
    assert staging.arrived[FILE.blob].read_bytes() == DATA


def test_a_part_that_is_whole_is_not_fetched_again(layout: Layout) -> None:
    part(layout, DATA)
    source = Source(b"")
    assert Staging(layout).fetch(FILE, source) == 0
    assert source.starts == []


@pytest.mark.parametrize("sent", [b"", DATA[:-1], DATA + b"x", DATA * 9, DATA[::-1]])
def test_bytes_that_do_not_match_are_corrupt_and_forgotten(layout: Layout, sent: bytes) -> None:
    with pytest.raises(Corrupt, match=f"weights: what arrived is not {FILE.blob}"):
        Staging(layout).fetch(FILE, Source(sent))
    assert list(tree(layout.root)) == ["incoming"]


def test_what_a_writer_that_was_killed_had_fetched_is_taken_over(layout: Layout) -> None:
    lease = Lease(layout.incoming)
    first = Staging(layout, lease.owner)
    first.fetch(FILE, Source(DATA))
    os.close(lease._handle)  # as the kernel does
    first.arrived[FILE.blob].chmod(0o444)  # he was about to land it
    staging = Staging(layout)
    assert staging.fetch(FILE, Source(b"")) == 0
    assert staging.arrived[FILE.blob].stat().st_mode & 0o200
    staging.land()
    assert layout.blob(FILE.blob).read_bytes() == DATA


def test_what_a_living_writer_has_fetched_is_his(layout: Layout) -> None:
    with Lease(layout.incoming) as lease:
        first = Staging(layout, lease.owner)
        first.fetch(FILE, Source(DATA))
        assert Staging(layout).fetch(FILE, Source(DATA)) == len(DATA)
        first.land()
    assert layout.blob(FILE.blob).read_bytes() == DATA


def test_a_part_under_any_name_is_gone_on_with(layout: Layout) -> None:
    part(layout, DATA[:PIECE]).rename(layout.incoming / f"{FILE.sha256}.0123abcd.part")
    source = Source(DATA)
    Staging(layout).fetch(FILE, source)
    assert source.starts == [PIECE]


def test_a_liar_sends_at_most_one_byte_too_many(layout: Layout) -> None:
    endless = io.BytesIO(bytes(9 * len(DATA)))
    with pytest.raises(Corrupt):
        Staging(layout).fetch(FILE, lambda start: endless)
    assert endless.closed or endless.tell() == len(DATA) + 1


def test_two_who_fetch_the_same_do_not_write_into_one_file(layout: Layout) -> None:
    path = part(layout, DATA[:PIECE])
    with path.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        staging = Staging(layout)
        assert staging.fetch(FILE, Source(DATA)) == len(DATA)
    assert path.read_bytes() == DATA[:PIECE]


def test_a_stream_that_breaks_while_it_is_taken_leaves_nothing(layout: Layout) -> None:
    class Broken(io.BytesIO):
        def readinto(self, buffer: object, /) -> int:
            raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        Staging(layout).take(Broken(b"poem"))
    assert list(tree(layout.incoming)) == []


def test_what_was_dropped_never_lands(layout: Layout) -> None:
    staging = Staging(layout)
    staging.take(io.BytesIO(b"poem"))
    staging.drop()
    staging.land()
    assert list(tree(layout.root)) == ["incoming"]


def test_a_blob_lands_read_only_and_mends_one_that_rotted(layout: Layout) -> None:
    digest = Digest.of(b"poem")
    layout.blob(digest).parent.mkdir(parents=True)
    layout.blob(digest).write_bytes(b"p0em")
    staging = Staging(layout)
    staging.take(io.BytesIO(b"poem"))
    staging.take(io.BytesIO(b"poem"))
    staging.land()
    assert layout.blob(digest).read_bytes() == b"poem"
    assert layout.blob(digest).stat().st_mode & 0o777 == 0o444
    assert list(tree(layout.incoming)) == []


def test_a_partial_file_that_others_lock_first_is_given_up_for_another(tmp_path, monkeypatch):
    staging = Staging(Layout(tmp_path))
    staging.layout.incoming.mkdir(parents=True)
    real, refused = fcntl.flock, iter([True, True, True, False])

    def flock(handle, how):
        if next(refused, False):
            raise BlockingIOError
        real(handle, how)

    monkeypatch.setattr("adapterhub.store.staging.fcntl.flock", flock)
    data = b"poem"
    file = File(path="a", size=len(data), sha256=Digest.of(data).hex)
    assert staging.fetch(file, lambda start: io.BytesIO(data[start:])) == len(data)


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("how", ["take", "fetch"])
def test_a_disk_that_is_full_is_told_with_the_file(layout: Layout, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    layout.incoming.mkdir()
    monkeypatch.setattr("adapterhub.store.staging.os.fsync", full)
    staging = Staging(layout)
    with pytest.raises(OSError, match=f"No space left on device: '{layout.incoming}/"):
        staging.take(io.BytesIO(DATA)) if how == "take" else staging.fetch(FILE, Source(DATA))


def test_a_file_larger_than_the_limit_is_told_with_its_path(layout: Layout) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PIECE, before[1]))
    try:
        with pytest.raises(OSError, match=f"File too large: '{layout.incoming}/"):
            Staging(layout).fetch(FILE, Source(DATA))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_source_that_cannot_be_read_is_told_with_its_own_path(layout: Layout) -> None:
    class Rotten(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(OSError, match="Input/output error: 'weights'"):
        Staging(layout).fetch(FILE, lambda start: Rotten())
