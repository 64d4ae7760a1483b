"""An entry is a manifest and a way to read its files."""

import os
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.entry import Entry, FolderFiles, cards_of
from adapterhub.errors import Corrupt, NotFound
from tests.builders import adapter_files, entry, entry_of, read_all, write_files


def test_a_folder_is_a_way_to_read_files_also_under_other_names(tmp_path: Path) -> None:
    write_files(tmp_path, adapter_files())
    (tmp_path / "adapter_config.json").rename(tmp_path / "config (1).json")
    files = FolderFiles(tmp_path, {"adapter_config.json": tmp_path / "config (1).json"})
    assert read_all(Entry(entry().manifest, files)) == adapter_files()


def test_a_file_can_be_read_from_its_middle(tmp_path: Path) -> None:
    write_files(tmp_path, adapter_files())
    file = entry().manifest.files[0]
    with FolderFiles(tmp_path).open(file, 9) as stream:
        assert stream.read() == adapter_files()[file.path][9:]


def test_a_file_that_is_not_in_the_manifest_is_not_found_and_the_others_are_named() -> None:
    with pytest.raises(NotFound, match="poem: no such file in the entry") as refusal:
        entry().open("poem")
    assert refusal.value.hint == "its files: adapter_config.json, adapter_model.safetensors"


def test_a_pipe_in_the_place_of_a_file_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "adapter_config.json")
    with pytest.raises(Corrupt, match=r"adapter_config\.json: a pipe"):
        FolderFiles(tmp_path).open(entry().manifest.files[0])


def test_the_cards_an_entry_names_are_those_of_its_manifest_and_its_notes() -> None:
    one, two = Digest.of(b"1"), Digest.of(b"2")
    pin = {"evidence": "bytes", "card": str(one)}
    later = [("base", {"evidence": "bytes", "card": str(two)}), ("base", {"evidence": "name"})]
    pinned = entry_of({}, later, base=pin)
    assert cards_of(pinned.manifest, pinned.notes) == sorted([one, two])
