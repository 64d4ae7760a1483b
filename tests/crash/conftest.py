"""What the tests of crashes share: a fast place, and a disk nobody waits for."""

import os
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.crash.deeds import set_scene


@pytest.fixture
def place():
    """A folder in memory where there is one: what is on trial is the order of steps, not a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """A killed process loses nothing it has written; what a power failure takes is played, not suffered."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    careless = lambda connection, _: connection.execute("PRAGMA synchronous=OFF")  # noqa: E731
    event.listen(Engine, "connect", careless)
    yield
    event.remove(Engine, "connect", careless)


@pytest.fixture(scope="session")
def first_scene(tmp_path_factory):
    """The scene every deed begins in; copied, never changed."""
    return set_scene(tmp_path_factory.mktemp("first") / "scene")
