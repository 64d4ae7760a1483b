"""Files under their names, wherever they lie."""

import pytest

from adapterhub.digest import Digest
from adapterhub.entry import Entry, FolderFiles
from adapterhub.formats.members import EntryMembers, FolderMembers
from adapterhub.manifest import File, Manifest


def test_files_of_a_folder_have_names_sizes_and_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"poet")
    members = FolderMembers({"b": tmp_path / "x", "a": tmp_path / "x"})
    assert members.names() == ("a", "b")
    assert members.size("b") == 4
    with members.open("b") as stream:
        assert stream.seekable()
        assert stream.read() == b"poet"


def test_files_of_an_entry_are_those_of_its_manifest(tmp_path):
    (tmp_path / "w").write_bytes(b"poet")
    file = File(path="w", size=4, sha256=Digest.of(b"poet").hex)
    members = EntryMembers(Entry(Manifest(kind="data", files=(file,)), FolderFiles(tmp_path)))
    assert members.names() == ("w",)
    assert members.size("w") == 4
    with members.open("w") as stream:
        assert stream.read() == b"poet"
    with pytest.raises(KeyError):
        members.size("v")
