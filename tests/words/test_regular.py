"""Only regular files are read, and no further than any honest one goes."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub.errors import Corrupt
from adapterhub.regular import open_regular, read_regular


def a_socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(f"/proc/self/fd/{folder}/{path.name}")  # a whole path may be longer than a socket's address
    os.close(folder)


PLANTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a pipe": ("a pipe", os.mkfifo),
    "a link to a pipe": ("a pipe", lambda path: (os.mkfifo(path.with_name("p")), path.symlink_to("p"))),
    "a socket": ("a socket", a_socket),
    "a link to a device": ("a device", lambda path: path.symlink_to("/dev/zero")),
    "a folder": ("a folder", Path.mkdir),
    "a link in a circle": ("a link that leads in a circle", lambda path: path.symlink_to(path)),
    "a link to nothing": ("a link that leads nowhere", lambda path: path.symlink_to("nothing")),
}


@pytest.mark.parametrize("name", PLANTS)
@pytest.mark.parametrize("read", [read_regular, open_regular])
def test_what_is_no_file_is_corrupt_and_named(tmp_path: Path, name: str, read: Callable[[Path], object]) -> None:
    what, plant = PLANTS[name]
    plant(tmp_path / "x")
    with pytest.raises(Corrupt, match=f"{tmp_path}/x: {what}") as refusal:
        read(tmp_path / "x")
    assert "check --repair" in refusal.value.hint


def test_a_file_is_read_up_to_the_largest_there_may_be(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"poem")
    assert read_regular(tmp_path / "x", 4) == b"poem"
    with pytest.raises(Corrupt, match=f"{tmp_path}/x: more than 3 bytes"):
        read_regular(tmp_path / "x", 3)


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "poem").write_bytes(b"poem")
    (tmp_path / "x").symlink_to("poem")
    with open_regular(tmp_path / "x") as stream:
        assert (stream.read(), stream.name) == (b"poem", str(tmp_path / "x"))


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "x")
