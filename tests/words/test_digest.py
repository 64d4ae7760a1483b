"""Digests: well formed from the start, and the same however the bytes come."""

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.digest import CHUNK, Digest, copy_and_hash, verify
from adapterhub.errors import BadReference, Corrupt


@given(st.binary())
def test_a_digest_is_what_hashlib_says_and_is_read_again(data: bytes) -> None:
    digest = Digest.of(data)
    assert digest.hex == hashlib.sha256(data).hexdigest()
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_stream_is_copied_watched_and_hashed_in_one_pass(size: int) -> None:
    data, sink, watched = bytes(size), io.BytesIO(), []
    digest, count = copy_and_hash(io.BytesIO(data), sink, lambda chunk: watched.append(len(chunk)))
    assert (digest, count, sum(watched)) == (Digest.of(data), size, size)
    assert sink.getvalue() == data


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "a" * 64, "md5:" + "a" * 64, "sha256:" + "a" * 65]
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(BadReference, match="not a sha256 digest") as refusal:
        Digest.parse(text)
    assert "sha256: and 64 hex digits" in refusal.value.hint


def test_wrong_bytes_name_the_file_and_both_digests() -> None:
    with pytest.raises(Corrupt) as refusal:
        verify(b"poem", Digest.of(b"poet"), "adapter.bin")
    for word in ("adapter.bin", str(Digest.of(b"poet")), str(Digest.of(b"poem")), "4 bytes"):
        assert word in str(refusal.value)
