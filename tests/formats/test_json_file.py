"""Foreign JSON: an object, or an error that says where."""

import io

import pytest

from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats.json_file import LARGEST, parse_object, read_object
from tests.formats.foreign_files import Folder

LIES = {
    "cut": (b'{"r": 8,\n  "lora', "line 2, column 3"),
    "empty": (b"", "line 1, column 1"),
    "a list": (b"[8]", "line 1, column 1: wanted a JSON object, got '[8]'"),
    "no utf-8": (b'{"a": "\xff"}', "no JSON"),
    "not a number": (b'{"r": NaN}', "NaN is no number"),
    "a lone surrogate": (b'{"a": "\\udc80"}', "surrogates"),
    "endless nesting": (b"[" * 200_000, "no JSON"),
    "nesting nobody could write": (b'{"a":' * 300 + b"1" + b"}" * 300, "inside each other"),
    "a number without end": (b'{"r": 1e999}', "is no finite number"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_object_is_corrupt_and_says_where(lie):
    data, words = LIES[lie]
    with pytest.raises(Corrupt, match=r"c\.json: ") as told:
        parse_object(data, "c.json")
    assert words in str(told.value)


def test_a_byte_order_mark_is_no_fault():
    assert parse_object(b'\xef\xbb\xbf{"r": 8}', "c.json") == {"r": 8}


def test_a_file_that_is_not_there_is_not_found():
    with pytest.raises(NotFound, match=r"c\.json"):
        read_object(Folder({}), "c.json")


def test_a_pointer_of_git_lfs_is_no_json_and_is_called_by_its_name():
    with pytest.raises(Corrupt, match="Git LFS"):
        read_object(Folder({"c.json": b"version https://git-lfs.github.com/spec/v1\n"}), "c.json")


def test_a_huge_file_is_not_read(monkeypatch):
    members = Folder({"c.json": b"{}"})
    monkeypatch.setattr(Folder, "size", lambda self, name: LARGEST + 1)
    with pytest.raises(Corrupt, match="at most"):
        read_object(members, "c.json")


def test_a_file_that_is_larger_than_promised_is_read_no_further(monkeypatch):
    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, offset, whence=0):
            return offset

        def readinto(self, buffer):
            buffer[:] = b" " * len(buffer)
            return len(buffer)

    monkeypatch.setattr("adapterhub.formats.json_file.LARGEST", 1 << 20)
    monkeypatch.setattr(Folder, "open", lambda self, name: io.BufferedReader(Endless()))
    with pytest.raises(Corrupt, match=r"c\.json: 1048577 bytes of JSON, at most 1048576 are read"):
        read_object(Folder({"c.json": b"{}"}), "c.json")
