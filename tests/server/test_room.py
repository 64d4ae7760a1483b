"""Room on the disk."""

import shutil
from collections import namedtuple

import pytest

from adapterhub.protocols.hf_hub.answers import Full
from adapterhub.server.room import Room

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A disk with 100 bytes free, of which 10 are kept so."""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(1000, 900, 100))
    return Room(tmp_path, 10)


def test_what_fits_may_come(room):
    room.insist()
    room.insist(90)
    assert room.fits(90)


def test_what_does_not_fit_is_told_with_what_to_do_and_not_with_how_much_is_free(room):
    assert not room.fits(91)
    with pytest.raises(Full, match=r"^the server's disk has no room for 91 bytes more$") as told:
        room.insist(91)
    assert told.value.status == 507
    assert "sweep" in told.value.hint


def test_the_disk_of_a_folder_is_asked(tmp_path):
    assert Room(tmp_path, 0).fits(1)
    assert not Room(tmp_path, 1 << 60).fits()
