"""A reader sees all of a file or none of it."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub.durable import beside, make_folder, replace, sync_folder, write_new


def test_what_was_not_committed_leaves_no_trace(tmp_path: Path) -> None:
    with beside(tmp_path) as (stream, path):
        stream.write(b"half")
        assert path.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_is_never_overwritten(tmp_path: Path) -> None:
    write_new(tmp_path / "a" / "b", b"first")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a" / "b", b"second")
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "a").iterdir()] == [("b", b"first")]


def test_a_replaced_file_has_the_new_bytes_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    replace(tmp_path / "b", b"first")
    replace(tmp_path / "b", b"second")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("b", b"second")]


def test_a_folder_that_is_there_already_is_fine(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("write", [write_new, replace])
def test_a_disk_that_is_full_is_told_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], None]
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("adapterhub.durable.os.fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}/"):
        write(tmp_path / "b", b"x")
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}'"):
        sync_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
