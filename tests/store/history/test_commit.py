"""A commit is named by its bytes."""

import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Corrupt
from adapterhub.store.history.commit import Commit, TreeFile, git_blob_id
from tests.builders import TIME

EMPTY = Digest.of(b"").hex


def file(path: str) -> TreeFile:
    return TreeFile(path=path, size=0, sha256=EMPTY, sha1="0" * 40)


def test_git_calls_bytes_the_same(tmp_path: Path) -> None:
    for data in (b"", b"poet\n", bytes(3_000_000)):
        (tmp_path / "file").write_bytes(data)
        said = subprocess.run(["git", "hash-object", tmp_path / "file"], capture_output=True, text=True, check=True)
        assert git_blob_id(io.BytesIO(data), len(data)) == said.stdout.strip()


@pytest.mark.parametrize("size", [0, 3, 5, 1 << 30])
def test_bytes_of_another_number_than_promised_have_no_git_name(size: int) -> None:
    with pytest.raises(Corrupt, match=f"{size} bytes were promised, {'more' if size < 4 else 4} came"):
        git_blob_id(io.BytesIO(b"poet"), size)


@given(st.permutations(["a", "b/c", "b/d", "Z"]))
def test_the_order_of_files_does_not_change_the_name(paths: list[str]) -> None:
    one, other = (Commit(title="t", time=TIME, files=tuple(map(file, some))) for some in (paths, sorted(paths)))
    assert (one, one.oid) == (other, other.oid)
    assert one.oid == Digest.of(one.to_bytes()).hex[:40]
    assert Commit.from_bytes(one.to_bytes(), "it") == one


@pytest.mark.parametrize("change", [{"title": "u"}, {"by": "bob"}, {"parent": "0" * 40}, {"files": (file("a"),)}])
def test_whatever_is_said_changes_the_name(change: dict[str, object]) -> None:
    commit = Commit(title="t", time=TIME)
    assert commit.model_copy(update=change).oid != commit.oid


@pytest.mark.parametrize(
    ("paths", "message"),
    [(["a", "a"], "the same path"), (["a/b/c", "a/b"], "a file and a folder have the same path: a/b")],
)
def test_a_tree_that_could_not_be_written_is_refused(paths: list[str], message: str) -> None:
    with pytest.raises(BadReference, match=message):
        Commit.made(title="t", time=TIME, files=[file(path) for path in paths])


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "", "a\\b", "c:/a", "a\nb", "x" * 256])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(BadReference, match="a file's path"):
        Commit.made(title="t", time=TIME, files=[{"path": path, "size": 0, "sha256": EMPTY, "sha1": "0" * 40}])


def test_a_file_is_found_by_its_path() -> None:
    commit = Commit(title="t", time=TIME, files=(file("b/c"), file("a")))
    assert commit.file("b/c") == file("b/c")
    assert commit.file("b") is None
