"""Who writes to a bucket may die at any moment: what is named is whole, and the next one goes on."""

import contextlib
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import NotFound
from adapterhub.remotes.bucket import Bucket
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.store.check import check
from adapterhub.store.store import Store
from tests.builders import POET, entry, entry_of
from tests.remotes.bucket.trees import download, keys

WRITES = ("write", "swap", "send", "delete")


class Death(BaseException):
    """Nothing more is asked of the bucket by whoever is dead."""


def dying(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Let so many writes be the last ones: this process is as good as dead then."""
    steps = count(1)
    for name in WRITES:
        original = getattr(Objects, name)

        def request(self: Objects, *words: Any, original: Any = original) -> Any:
            if next(steps) > last:
                raise Death
            return original(self, *words)

        monkeypatch.setattr(Objects, name, request)


def deed(bucket: Bucket) -> None:
    """All that changes a bucket."""
    bucket.publish(entry(1, notes=[("metrics", {"accuracy": 0.5})]), POET.at("2"))
    bucket.alias(POET.at("2"), "prod")
    with contextlib.suppress(NotFound):
        bucket.remove(POET.at("1"))


def is_sound(url: str, folder: Path) -> bool:
    """Whether what lies there is a store in which everything that is named is whole."""
    store = Store(download(url, folder))
    return not store.exists() or check(store).ok


def test_a_writer_may_die_before_any_write(url: str, tmp_path: Path) -> None:
    for last in count():
        place = f"{url}/{last}"
        Bucket(place).publish(entry(0), POET)
        with pytest.MonkeyPatch.context() as patched:
            dying(patched, last)
            try:
                deed(Bucket(place))
                break
            except Death:
                pass
        assert is_sound(place, tmp_path / str(last))
        deed(Bucket(place))
        assert {line.reference.pin: line.aliases for line in Bucket(place).list()} == {"2": ("prod",)}
    assert last > 12


SLOW = """
import sys, time
from tests.builders import POET, entry_of
from adapterhub.remotes.bucket import Bucket

class Slow:
    def __init__(self, stream): self.stream, self.left = stream, 24
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def read(self, size):
        self.left -= 1
        if not self.left:
            print("half", flush=True)
            time.sleep(600)
        return self.stream.read(size)

large = entry_of({"adapter_model.safetensors": bytes(40 << 20)})
opened = large.files.open
large.files.open = lambda file, start=0: Slow(opened(file, start))
Bucket(sys.argv[1], "ada").publish(large, POET)
"""


def test_a_push_that_is_killed_in_a_large_file_leaves_nothing_that_has_a_name(url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", SLOW, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
    assert set(keys(url)) == {"registry.json", "incoming/probe"}
    large = entry_of({"adapter_model.safetensors": bytes(40 << 20)})
    Bucket(url).publish(large, POET)
    digest = Digest(large.manifest.files[0].sha256)
    assert keys(url)[f"blobs/sha256/{digest.hex[:2]}/{digest.hex}"] == 40 << 20
