"""A folder of very many files is listed once for as long as nothing changes in it."""

import os
import time

import pytest

from adapterhub.store import listing as module
from adapterhub.store.listing import Listing, listing


@pytest.fixture
def clock(monkeypatch):
    """Our clock, which goes as it is told."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "_KEPT", {})
    return now


TICK = 0.02
"""Seconds: the times of two changes differ by then, also where a kernel's clock of files is coarse."""


def looked(folder, clock, seconds=3.0):
    """What is in a folder after a while."""
    time.sleep(TICK)
    clock[0] += seconds
    return listing(folder)


def test_names_are_in_order_and_others_are_left_out(tmp_path):
    for name in ("b.json", "a.json", ".c.json", "d.txt"):
        (tmp_path / name).touch()
    assert listing(tmp_path).names == ("a.json", "b.json")
    assert listing(tmp_path / "none") == listing(tmp_path / "a.json") == Listing()


def test_it_is_read_once_until_something_changes(tmp_path, clock):
    (tmp_path / "a.json").touch()
    listing(tmp_path)
    assert looked(tmp_path, clock) is looked(tmp_path, clock)
    (tmp_path / "b.json").touch()
    assert looked(tmp_path, clock, 0).names == ("a.json", "b.json")
    (tmp_path / "a.json").unlink()
    assert looked(tmp_path, clock, 0).names == ("b.json",)


def test_it_is_read_again_while_a_change_may_hide_behind_the_same_time(tmp_path, clock, monkeypatch):
    (tmp_path / "a.json").touch()
    stamp = module.stamp_of(tmp_path)
    monkeypatch.setattr(module, "stamp_of", lambda folder: stamp)  # as where the clock of files is coarse, or wrong
    assert listing(tmp_path).names == ("a.json",)
    (tmp_path / "b.json").touch()
    assert looked(tmp_path, clock, 1).names == ("a.json", "b.json")
    (tmp_path / "c.json").touch()
    assert looked(tmp_path, clock, 2).names == ("a.json", "b.json", "c.json")


def test_a_tool_that_sets_times_back_hides_nothing(tmp_path, clock):
    (tmp_path / "a.json").touch()
    before = tmp_path.stat()
    listing(tmp_path)
    assert looked(tmp_path, clock).names == ("a.json",)
    (tmp_path / "b.json").touch()
    os.utime(tmp_path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert looked(tmp_path, clock).names == ("a.json", "b.json")


def test_few_folders_are_kept(tmp_path, clock):
    for number in range(2 * module.FOLDERS):
        (folder := tmp_path / str(number)).mkdir()
        assert listing(folder).names == ()
    assert 0 < len(module._KEPT) <= module.FOLDERS


def test_the_mark_of_the_first_names_is_that_of_a_shorter_list():
    names = ("a.json", "b.json", "c.json")
    assert Listing(names).mark_of(2) == Listing(names[:2]).mark != Listing(names).mark
