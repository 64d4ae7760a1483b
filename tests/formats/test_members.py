"""Files under their names, wherever they lie."""

import pytest

from adapterhub.digest import Digest
from adapterhub.entry import Entry, FolderFiles
from adapterhub.errors import Corrupt
from adapterhub.formats.members import SMALL, EntryMembers, FolderMembers
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


@pytest.mark.parametrize("there", [b"poem", b"poet and more", b"p"])
def test_a_small_file_of_an_entry_is_verified_whatever_part_of_it_is_wanted(tmp_path, there):
    (tmp_path / "w").write_bytes(there)
    file = File(path="w", size=4, sha256=Digest.of(b"poet").hex)
    with pytest.raises(Corrupt, match="w: expected sha256:7ccc804f5546") as refusal:
        EntryMembers(Entry(Manifest(kind="data", files=(file,)), FolderFiles(tmp_path))).open("w")
    assert refusal.value.hint


def test_a_large_file_of_an_entry_is_not_read_whole(tmp_path):
    (tmp_path / "w").write_bytes(b"poet")
    file = File(path="w", size=SMALL + 1, sha256=Digest.of(b"poem").hex)
    with EntryMembers(Entry(Manifest(kind="data", files=(file,)), FolderFiles(tmp_path))).open("w") as stream:
        assert stream.read() == b"poet"
