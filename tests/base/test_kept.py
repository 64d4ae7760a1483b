"""Cards remembered by what their files are."""

import os

import pytest

from adapterhub.base import kept
from adapterhub.base.card import Card, card_of
from adapterhub.base.kept import Kept, identity
from tests.base.builders import checkpoint, members, tensors

ASKED = "bytes ./base"


class Base:
    """A checkpoint, a memory, and how often the checkpoint was read."""

    def __init__(self, folder, memory):
        self.folder, self.kept, self.reads = checkpoint(folder, tensors("a", "b")), Kept(memory), 0

    def look(self):
        return identity([(name, self.folder / name) for name in ("config.json", "model.safetensors")])

    def make(self) -> Card:
        self.reads += 1
        return card_of(members(self.folder), name="tiny", source="./x")

    def card(self) -> Card:
        return self.kept.card(ASKED, self.look, self.make)


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "SETTLED", -1.0)
    return Base(tmp_path / "base", tmp_path / "cache")


def test_the_second_look_reads_nothing(base):
    assert base.card() == base.card()
    assert base.reads == 1


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_file_that_changed_is_read_again(base, file):
    before, path = base.card(), base.folder / file
    old = path.stat()
    other = checkpoint(base.folder.parent / "other", tensors("a", "b", seed=1), n=1) / file
    path.write_bytes(other.read_bytes())
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))  # as those do who unpack an archive
    after = base.card()
    assert base.reads == 2
    assert after != before
    assert base.card() == after
    assert base.reads == 2


def test_a_file_put_in_the_place_of_another_is_read_again(base):
    base.card()
    path = base.folder / "model.safetensors"
    path.with_name("new").write_bytes(path.read_bytes())
    path.with_name("new").replace(path)
    base.card()
    assert base.reads == 2


def test_what_was_written_just_now_is_not_remembered(base, monkeypatch):
    monkeypatch.setattr(kept, "SETTLED", 2.0)
    base.card()
    base.card()
    assert base.reads == 2


def test_what_changes_while_it_is_read_is_not_remembered(base):
    def make():
        (base.folder / "config.json").write_text('{"model_type": "other"}')
        return base.make()

    base.kept.card(ASKED, base.look, make)
    base.card()
    assert base.reads == 2


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"0" * 64 + b"\n{}"])
def test_a_memory_that_is_damaged_is_made_again(base, damage):
    base.card()
    (path,) = base.kept.folder.iterdir()
    for data in (damage, path.read_bytes().replace(b'"tiny"', b'"tini"')):
        path.write_bytes(data)
        reads = base.reads
        assert base.card().name == "tiny"
        assert base.reads == reads + 1


def test_without_a_folder_nothing_is_remembered_and_without_rights_neither(base, tmp_path):
    base.kept = Kept(None)
    base.card()
    (tmp_path / "file").write_text("no folder")
    base.kept = Kept(tmp_path / "file")
    base.card()
    base.card()
    assert base.reads == 3
