"""An entry is a manifest and a way to read its files."""

from pathlib import Path

import pytest

from adapterhub.entry import Entry, FolderFiles
from tests.builders import adapter_files, entry, read_all, write_files


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


def test_a_file_that_is_not_in_the_manifest_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="poem"):
        entry().open("poem")
