"""A folder of very many files is listed once for as long as nothing changes in it."""

import os
import time

from adapterhub.store import listing as module
from adapterhub.store.listing import Listing, listing


def long_ago(folder):
    old = time.time() - 3600
    os.utime(folder, (old, old))


def test_names_are_in_order_and_others_are_left_out(tmp_path):
    for name in ("b.json", "a.json", ".c.json", "d.txt"):
        (tmp_path / name).touch()
    assert listing(tmp_path).names == ["a.json", "b.json"]
    assert listing(tmp_path / "none") == listing(tmp_path / "a.json") == Listing([])


def test_it_is_read_once_until_something_changes(tmp_path):
    (tmp_path / "a.json").touch()
    long_ago(tmp_path)
    assert listing(tmp_path) is listing(tmp_path)
    (tmp_path / "b.json").touch()
    assert listing(tmp_path).names == ["a.json", "b.json"]
    (tmp_path / "a.json").unlink()
    assert listing(tmp_path).names == ["b.json"]


def test_it_is_read_again_while_the_folder_is_young(tmp_path):
    (tmp_path / "a.json").touch()
    changed = tmp_path.stat()
    assert listing(tmp_path).names == ["a.json"]
    (tmp_path / "b.json").touch()
    os.utime(tmp_path, ns=(changed.st_atime_ns, changed.st_mtime_ns))  # as where the clock of files is coarse
    assert listing(tmp_path).names == ["a.json", "b.json"]


def test_few_folders_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_KEPT", kept := {})
    for number in range(2 * module.FOLDERS):
        (folder := tmp_path / str(number)).mkdir()
        long_ago(folder)
        assert listing(folder).names == []
    assert 0 < len(kept) <= module.FOLDERS


def test_the_digest_of_the_first_names_is_that_of_a_shorter_list(tmp_path):
    names = ["a.json", "b.json", "c.json"]
    assert Listing(names).digest_of(2) == Listing(names[:2]).digest != Listing(names).digest
