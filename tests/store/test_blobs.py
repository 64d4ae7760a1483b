"""Blobs: bytes under their digest."""

import io
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt
from adapterhub.manifest import File
from adapterhub.store.blobs import copy_out
from tests.builders import entry, filled, tree

POEM = File(path="poem", size=4, sha256=Digest.of(b"poem").hex)


def test_a_small_blob_is_verified_when_it_is_read(tmp_path: Path) -> None:
    blobs = filled(tmp_path, "ada/poet").blobs
    assert blobs.read(entry().digest, "manifest") == entry().manifest.to_bytes()
    path = blobs.layout.blob(entry().digest)
    path.chmod(0o644)
    path.write_bytes(b"{}")
    with pytest.raises(Corrupt, match=f"manifest: expected {entry().digest}"):
        blobs.read(entry().digest, "manifest")


def test_all_blobs_lie_under_their_digest_and_strays_under_none(tmp_path: Path) -> None:
    blobs = filled(tmp_path, "ada/poet").blobs
    (blobs.layout.blobs / "ab").mkdir(exist_ok=True)
    (blobs.layout.blobs / "ab" / ".half.tmp").write_bytes(b"")
    (blobs.layout.blobs / "ab" / "stray").write_bytes(b"")
    found = list(blobs.all())
    assert [path.name for digest, path in found if digest is None] == ["stray"]
    assert len(found) == 4


def test_a_file_that_is_copied_out_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    copy_out(io.BytesIO(b"poem"), POEM, tmp_path / "deep" / "poem")
    assert tree(tmp_path) == {"deep": None, "deep/poem": b"poem"}
    with pytest.raises(Corrupt, match=r"poem: expected .*, got .* \(4 bytes\); not written"):
        copy_out(io.BytesIO(b"p0em"), POEM, tmp_path / "other" / "poem")
    assert tree(tmp_path) == {"deep": None, "deep/poem": b"poem", "other": None}
