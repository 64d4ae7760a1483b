"""Every adapter below a folder."""

import os
from pathlib import Path

import pytest

from adapterhub.errors import NotFound
from adapterhub.formats.finder import find
from tests.formats.foreign_files import Tensor, safetensors
from tests.formats.peft_folders import CONFIG, adapter_folder, write_files

KOHYA = safetensors({
    "lora_unet_x.lora_down.weight": Tensor(4, 8),
    "lora_unet_x.lora_up.weight": Tensor(8, 4),
    "lora_unet_x.alpha": Tensor(),
})  # fmt: skip


def found(folder):
    return [str(path.relative_to(folder)) for path in find(folder)]


def test_adapters_are_found_at_every_depth_in_order(tmp_path):
    for place in ("b/one", "a/deep/two", "three", "three/checkpoint-500"):
        adapter_folder(tmp_path / place)
    assert found(tmp_path) == ["a/deep/two", "b/one", "three", "three/checkpoint-500"]


def test_a_folder_that_is_an_adapter_is_found_itself(tmp_path):
    assert list(find(adapter_folder(tmp_path))) == [tmp_path]


def test_files_that_are_adapters_are_found_among_other_files(tmp_path):
    model = safetensors({"w": Tensor(2)})
    write_files(
        tmp_path,
        {
            "x/a.safetensors": KOHYA,
            "x/b.safetensors": KOHYA,
            "x/model.safetensors": model,
            "x/other.safetensors": model,
            "x/cut.safetensors": KOHYA[:-1],
            "x/notes.txt": b"",
        },
    )
    assert found(tmp_path) == ["x/a.safetensors", "x/b.safetensors"]


@pytest.mark.parametrize(
    "name",
    [
        "adapters.npz",
        "adapters.safetensors",
        "pytorch_adapter.bin",
        "adapter_model.bin",
        "adapter_model (1).safetensors",
        "pytorch_lora_weights.safetensors",
        CONFIG,
    ],
)
def test_a_broken_adapter_is_one_too(tmp_path, name):
    write_files(tmp_path, {f"run/{name}": b""})
    assert found(tmp_path) == ["run"]


def test_models_are_not_found(tmp_path):
    write_files(tmp_path, {"config.json": b"{}", "model.safetensors": KOHYA, "model-00001-of-00002.safetensors": KOHYA})
    assert found(tmp_path) == []


def test_places_that_hold_no_adapters_are_not_entered(tmp_path):
    for place in (".git", "node_modules", "__pycache__", ".venv", "venv"):
        adapter_folder(tmp_path / place / "x")
    assert found(tmp_path) == []


def test_links_are_not_followed_not_even_in_a_circle(tmp_path):
    adapter_folder(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "up").symlink_to(tmp_path)
    assert found(tmp_path) == ["real"]


def test_a_folder_that_cannot_be_read_is_passed_over_and_told(tmp_path, monkeypatch):
    adapter_folder(tmp_path / "open")
    adapter_folder(tmp_path / "shut")
    scan = os.scandir

    def guarded(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    failed: list[OSError] = []
    assert list(find(tmp_path, failed.append)) == [tmp_path / "open"]
    assert [error.filename for error in failed] == [str(tmp_path / "shut")]


def test_a_file_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    write_files(tmp_path, {"x/a.safetensors": KOHYA})

    def shut(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", shut)
    failed: list[OSError] = []
    assert list(find(tmp_path, failed.append)) == list(find(tmp_path / "x" / "a.safetensors", failed.append)) == []
    assert {error.filename for error in failed} == {str(tmp_path / "x" / "a.safetensors")}


def test_a_single_file_is_found_if_it_is_an_adapter(tmp_path):
    write_files(tmp_path, {"a.safetensors": KOHYA, "b.txt": b""})
    assert list(find(tmp_path / "a.safetensors")) == [tmp_path / "a.safetensors"]
    assert list(find(tmp_path / "b.txt")) == []


def test_a_path_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        list(find(tmp_path / "x"))
