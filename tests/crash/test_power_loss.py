"""When the power fails at any moment, what was published is there, and nothing is half there."""

import random
import shutil
from pathlib import Path

import pytest

from adapterhub import durable
from adapterhub.errors import AdapterHubError
from adapterhub.store import staging
from tests.crash.deeds import DEEDS, Scene
from tests.crash.invariants import Whole, holds, opens, read
from tests.crash.power import Disk, Keep, Tree, write
from tests.crash.steps import Step, Steps, watched

pytestmark = pytest.mark.slow

WAYS_IN = ("add to a fresh store", "add another version", "push another version", "pull", "move an alias", "remove")


def luck(seed: int) -> Keep:
    """A disk that keeps what it likes."""
    dice = random.Random(seed)
    return lambda _: dice.random() < 0.5


DISKS: dict[str, Keep] = {
    "that keeps nothing unsynced": lambda what: False,
    "that writes names before bytes": lambda what: what == "name",
    "that writes bytes before names": lambda what: what == "bytes",
}


def recorded(scene: Scene, name: str) -> tuple[Disk, list[Step]]:
    """The disk before a deed, and the steps it takes."""
    deed = DEEDS[name]
    disk = Disk(scene.root)
    with watched(Steps()) as steps:
        deed.act(scene)
    return disk, steps.log


@pytest.fixture
def copied(first_scene, place):
    shutil.copytree(first_scene.root, place / "scene")
    return Scene(place / "scene")


def judge(disk: Disk, log: list[Step], where: str, place: Path, before: Whole, after: Whole, gone=()) -> int:
    """Let the power fail after every step, on every kind of disk; how many different ends there were."""
    seen = set()
    for done, step in enumerate(log, 1):
        disk.do(step)
        for keep in (*DISKS.values(), luck(done), luck(-done)):
            tree = disk.fail(where, keep)
            if (state := frozenset(tree.items())) not in seen:
                seen.add(state)
                look(tree, place / str(len(seen)), before if done < len(log) else after, gone)
    return len(seen)


def look(tree: Tree, root: Path, before: Whole, gone: tuple[str, ...]) -> None:
    """Judge what a failure left."""
    root.mkdir()
    write(tree, root)
    holds(root, before, gone)
    opens(root)
    shutil.rmtree(root)


@pytest.mark.parametrize("name", WAYS_IN)
def test_a_power_failure_at_any_moment_loses_nothing_that_was_published(copied, place, name):
    deed = DEEDS[name]
    before = read(copied.root / deed.where)
    disk, log = recorded(copied, name)
    after = read(copied.root / deed.where)
    assert judge(disk, log, deed.where, place, before, after, deed.gone) > len(log) / 2


def test_blobs_another_writer_has_not_synced_yet_are_synced_before_they_are_named(copied):
    copied.hub.add(copied.folder("one"), "bob/copy")
    disk = Disk(copied.root)
    folders = [disk.folder(f"remote/blobs/sha256/{ab}") for ab in disk.folder("remote/blobs/sha256").now]
    for folder in folders:
        folder.durable = {}
    with watched(Steps()) as steps:
        (pushed,) = copied.hub.push(["bob/copy"], copied.url())
    assert pushed.bytes_sent == 0
    disk.play(steps.log)
    durable = {name for folder in folders for name in folder.durable}
    shown = copied.hub.show("bob/copy")
    assert {file.sha256 for file in shown.manifest.files} | {shown.digest.removeprefix("sha256:")} <= durable


@pytest.mark.parametrize(("module", "name"), [(staging, "_settle"), (staging, "sync_folder"), (durable, "_settle")])
def test_a_writer_that_forgets_to_sync_is_found_out(copied, place, monkeypatch, module, name):
    monkeypatch.setattr(module, name, lambda what: what.flush() if name == "_settle" else None)
    before = read(copied.store)
    disk, log = recorded(copied, "add another version")
    with pytest.raises((AssertionError, AdapterHubError, ValueError)):
        judge(disk, log, "store", place, before, read(copied.store))
