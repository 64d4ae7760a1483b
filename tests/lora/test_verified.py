"""Files are read whole and believed after their digest only, wherever they come from."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest
import torch

from adapterhub.entry import Entry, FolderFiles
from adapterhub.errors import Corrupt
from adapterhub.lora.load import load
from adapterhub.manifest import Manifest
from tests.lora.builders import entry_of, factors, peft_folder

Q, V = "layers.0.q_proj", "layers.0.v_proj"


@pytest.mark.parametrize(("size", "got"), [(10, "10"), (100_000, "more")])
def test_a_file_of_another_size_is_noticed(tmp_path, size, got):
    entry = entry_of(peft_folder(tmp_path, factors([Q])))
    with (tmp_path / "adapter_config.json").open("r+") as config:
        config.truncate(size)
    with pytest.raises(Corrupt, match=rf"adapter_config.json: wanted \d+ bytes, got {got}"):
        load(entry, "ada/poet")


def test_a_size_that_no_memory_has_takes_none(tmp_path):
    entry = entry_of(peft_folder(tmp_path, factors([Q])))
    files = tuple(file.model_copy(update={"size": 1 << 60}) for file in entry.manifest.files)
    with pytest.raises(Corrupt, match=rf"wanted {1 << 60} bytes, got \d"):
        load(Entry(Manifest(kind="adapter", files=files), FolderFiles(tmp_path)), "ada/poet")


@pytest.mark.parametrize("room", [1, 1000, 1 << 20])
def test_a_file_larger_than_the_room_it_begins_with_is_read_whole(tmp_path, monkeypatch, room):
    pairs = factors([Q, V], out=300, into=200, rank=8)
    entry = entry_of(peft_folder(tmp_path, pairs))
    monkeypatch.setattr("adapterhub.lora.verified.ROOM", room)
    deltas = load(entry).deltas
    assert all(torch.equal(deltas[name].B, B) for name, (_, B) in pairs.items())


@final
@dataclass
class Line:
    """Files at the other end of a line: nobody knows where they end, and they come in pieces."""

    folder: Path

    def open(self, file, start=0):
        stream = io.BytesIO((self.folder / file.path).read_bytes()[start:])

        class Piecewise(io.RawIOBase):
            def readable(self):
                return True

            def readinto(self, buffer):
                return stream.readinto(buffer[:1000])

        return io.BufferedReader(Piecewise(), 999)


def test_files_that_come_over_a_line_are_loaded_too(tmp_path):
    pairs = factors([Q, V], out=300, into=200, rank=8)
    there = entry_of(peft_folder(tmp_path, pairs))
    deltas = load(Entry(there.manifest, Line(tmp_path))).deltas
    assert torch.equal(deltas[V].B, pairs[V][1])
