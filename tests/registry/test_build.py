"""The parts of the build that are not training."""

from pathlib import Path

import numpy as np
import pytest

from registry.scripts.build import save_arrays, swap
from registry.scripts.layout import PARTS


def registry(folder: Path, word: str) -> Path:
    """Something with the parts of a registry, each saying a word."""
    folder.mkdir()
    for name in PARTS:
        if name.endswith(".json"):
            (folder / name).write_text(word)
        else:
            (folder / name).mkdir()
            (folder / name / "file").write_text(word)
    return folder


def words(folder: Path) -> set[str]:
    return {path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_new_registry_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    old = registry(tmp_path / "registry", "old")
    (old / "README.md").write_text("kept")
    swap(registry(tmp_path / "fresh", "new"), old, tmp_path / "aside")
    assert words(old) == {"new", "kept"}


def test_a_swap_that_fails_half_way_leaves_the_old_registry(tmp_path: Path) -> None:
    old, fresh = registry(tmp_path / "registry", "old"), registry(tmp_path / "fresh", "new")
    (fresh / "catalog.json").unlink()
    with pytest.raises(FileNotFoundError):
        swap(fresh, old, tmp_path / "aside")
    assert words(old) == {"old"}
    assert {path.name for path in old.iterdir()} == set(PARTS)


def test_the_same_arrays_are_the_same_bytes(tmp_path: Path) -> None:
    array = np.arange(10, dtype=np.uint8)
    for name in ("one", "two"):
        save_arrays(tmp_path / name / "test.npz", {"labels": array})
    assert (tmp_path / "one/test.npz").read_bytes() == (tmp_path / "two/test.npz").read_bytes()
