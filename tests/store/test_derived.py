"""Facts and folders are made of an entry, and made again when they are gone, old or changed."""

from pathlib import Path

import pytest

from adapterhub.errors import Corrupt
from adapterhub.facts import PARSER
from adapterhub.store.derived import facts_of, folder_of
from adapterhub.store.store import Store
from tests.builders import adapter_files, entry, filled, tree

DIGEST = entry(0).digest


def test_facts_are_derived_once(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    facts = facts_of(store, DIGEST)
    assert (facts.rank, facts.format, facts.targets) == (2, "peft", ("q_proj", "v_proj"))
    store.layout.blob(DIGEST).unlink()
    assert facts_of(store, DIGEST) == facts


@pytest.mark.parametrize("cached", [b"", b"garbage", b'{"format":"mlx","parser":0}', f'{{"parser":{PARSER}}}'.encode()])
def test_facts_that_are_old_or_garbage_are_derived_again(tmp_path: Path, cached: bytes) -> None:
    store = filled(tmp_path, "ada/poet")
    path = store.layout.facts(DIGEST)
    path.parent.mkdir(parents=True)
    path.write_bytes(cached)
    assert facts_of(store, DIGEST).format == "peft"
    assert path.read_bytes() == facts_of(store, DIGEST).to_bytes()


def test_facts_of_an_entry_that_is_not_here_are_not_remembered(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.create()
    assert facts_of(store, DIGEST, entry(0)).targets == ("q_proj", "v_proj")
    assert not store.layout.facts(DIGEST).exists()


def test_a_folder_has_the_files_and_nobody_may_write_them(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    folder = folder_of(store, DIGEST)
    assert tree(folder) == adapter_files()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    assert folder_of(store, DIGEST) == folder


@pytest.mark.parametrize("how", ["changed", "gone", "all gone"])
def test_a_file_that_was_tampered_with_is_replaced(tmp_path: Path, how: str) -> None:
    store = filled(tmp_path, "ada/poet")
    folder = folder_of(store, DIGEST)
    for path in sorted(folder.iterdir())[: 2 if how == "all gone" else 1]:
        path.unlink()
        if how == "changed":
            path.write_bytes(b"{}")
    assert tree(folder_of(store, DIGEST)) == adapter_files()


def test_a_folder_of_a_rotten_blob_is_not_given_out(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    file = entry(0).manifest.files[0]
    blob = store.layout.blob(file.blob)
    blob.chmod(0o644)
    blob.write_bytes(b"rot")
    with pytest.raises(Corrupt, match=f"{file.path}: expected {file.blob} .* got sha256:.* not written"):
        folder_of(store, DIGEST)
    assert tree(store.root / "cache") in ({"paths": None}, {})


def test_a_store_without_a_cache_that_can_be_written_goes_without(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    (store.root / "cache").write_bytes(b"in the way")
    assert facts_of(Store(store.root), DIGEST).rank == 2
