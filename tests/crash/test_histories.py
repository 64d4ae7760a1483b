"""Killed at any step, or with the power gone, a history is whole: what has a name is there, down to the last byte."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub import durable
from adapterhub.digest import Digest
from adapterhub.reference import Name
from adapterhub.store.check import check
from adapterhub.store.history import history
from adapterhub.store.history.commit import Commit, TreeFile
from adapterhub.store.leases import TTL
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from tests.crash.deeds import age
from tests.crash.power import Disk, Keep, Tree, write
from tests.crash.steps import Step, Steps, watched
from tests.crash.test_power_loss import DISKS, luck

pytestmark = pytest.mark.slow

POET, ODE, FRESH = Name("ada", "poet"), Name("bob", "ode"), Name("ada", "fresh")

KILLED: Keep = lambda what: True  # noqa: E731
"""A process that is killed loses nothing it has written."""


def grow(store: Store, name: Name, data: bytes, branch: str = "main", tag: str = "") -> None:
    """One more commit, as a server makes it: bytes, commit, branch, tag."""
    with store.session() as session, store.history.lock(name):
        session.lease.add(Digest.of(data))
        session.take(io.BytesIO(data))
        session.staging.land()
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        file = TreeFile(path="a", size=len(data), sha256=Digest.of(data).hex, sha1=git)
        parent = store.history.branches(name).get(branch)
        oid = store.history.put(name, Commit(parent=parent, title="t", time="2026", files=(file,)))
        store.history.point(name, branch, oid, parent or "")
        if tag:
            store.history.tag(name, tag, oid)


def begin(store: Store) -> None:
    """A repository nobody has seen yet, and its first commit."""
    store.history.create(FRESH, private=True, by="ada")
    grow(store, FRESH, b"fresh", tag="v1")


DEEDS: dict[str, Callable[[Store], object]] = {
    "begin a repository": begin,
    "commit": lambda store: grow(store, POET, b"3", tag="v3"),
    "move a branch back": lambda store: store.history.point(POET, "main", store.history.tags(POET)["v1"], None),
    "drop a tag": lambda store: store.history.untag(POET, "v1"),
    "hide": lambda store: store.history.set_private(POET, True),
    "sweep": lambda store: sweep(store, grace=0),
}
KILLED_ONLY: dict[str, Callable[[Store], object]] = {
    "move": lambda store: store.history.move(POET, ODE),
    "delete": lambda store: store.history.delete(POET),
}
"""A rename from one folder to another: on the disks here a failure may keep half of it, on real ones it cannot."""


@pytest.fixture
def scene(place: Path) -> Path:
    """ada/poet with two commits on main, tagged v1 and v2, and three that no branch reaches any more."""
    store = Store(place / "scene" / "store", "ada")
    store.history.create(POET, private=False, by="ada")
    for number in (1, 2):
        grow(store, POET, b"%d" % number, tag=f"v{number}")
    for number in (7, 8, 9):
        grow(store, POET, b"%d" % number, "dev")
    store.history.drop_branch(POET, "dev")
    return place / "scene"


def read(root: Path) -> dict[str, list[str]]:
    """Every branch and tag with its commits, read with nothing but the drawing of the disk in hand."""
    said = {}
    for path in [*root.glob("repos/*/*/heads/*"), *root.glob("repos/*/*/tags/*")]:
        if not path.name.startswith("."):
            said[str(path.relative_to(root))] = line = [path.read_text().strip()]
            while parent := follow(root, path.parents[1], line[-1]):
                line.append(parent)
    for path in root.glob("repos/*/*"):
        if not path.name.startswith("."):
            said[str(path.relative_to(root))] = [str(json.loads((path / "repo.json").read_bytes())["private"])]
    return said


def follow(root: Path, folder: Path, oid: str) -> str:
    """Check a commit and its files; the one before it."""
    data = (folder / "commits" / oid).read_bytes()
    assert hashlib.sha256(data).hexdigest()[:40] == oid
    for file in json.loads(data)["files"]:
        blob = (root / "blobs" / "sha256" / file["sha256"][:2] / file["sha256"]).read_bytes()
        assert hashlib.sha256(blob).hexdigest() == file["sha256"]
    return json.loads(data).get("parent", "")


def recorded(scene: Path, act: Callable[[Store], object]) -> tuple[Disk, list[Step], dict, dict]:
    """The disk before a deed, its steps, and what is named before and after."""
    before, disk = read(scene / "store"), Disk(scene)
    with watched(Steps()) as steps:
        act(Store(scene / "store", "ada"))
    return disk, steps.log, before, read(scene / "store")


def judge(tree: Tree, root: Path, before: dict, after: dict) -> None:
    """Every name means what it meant before or what it means after; nothing is damaged."""
    root.mkdir()
    write(tree, root)
    now = read(root)
    for word in {*before, *after, *now}:
        assert now.get(word) in (before.get(word), after.get(word)), word
    checked = check(Store(root))
    assert checked.ok, checked.damage
    age(root, 2 * TTL)
    sweep(Store(root), grace=0)
    assert read(root) == now
    assert check(Store(root)).unreferenced == 0


def fail_everywhere(scene: Path, place: Path, act: Callable[[Store], object], keeps: list[Keep]) -> int:
    """End the deed after every step, on every disk; how many different ends there were."""
    disk, log, before, after = recorded(scene, act)
    seen: set[object] = set()
    for done, step in enumerate(log, 1):
        disk.do(step)
        for keep in (*keeps, *((luck(done), luck(-done)) if len(keeps) > 1 else ())):
            tree = disk.fail("store", keep)
            if (state := frozenset(tree.items())) not in seen:
                seen.add(state)
                judge(tree, place / str(len(seen)), before if done < len(log) else after, after)
    return len(seen)


@pytest.mark.parametrize("name", DEEDS)
def test_a_power_failure_at_any_moment_leaves_a_history_whole(scene: Path, place: Path, name: str) -> None:
    assert fail_everywhere(scene, place, DEEDS[name], [KILLED, *DISKS.values()]) >= 2


@pytest.mark.parametrize("name", KILLED_ONLY)
def test_a_kill_at_any_moment_leaves_a_history_whole(scene: Path, place: Path, name: str) -> None:
    assert fail_everywhere(scene, place, KILLED_ONLY[name], [KILLED]) >= 2


@pytest.mark.parametrize("name", ["sync_folder", "commit_new"])
def test_a_commit_that_is_not_made_durable_is_found_out(
    scene: Path, place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "sync_folder":
        monkeypatch.setattr(durable, name, lambda folder: None)
    else:
        monkeypatch.setattr(history, name, lambda stream, path, target: path.rename(target))
    with pytest.raises((AssertionError, OSError, ValueError)):
        fail_everywhere(scene, place, DEEDS["commit"], list(DISKS.values()))


def test_blobs_another_writer_has_not_synced_yet_are_synced_before_they_are_named(scene: Path) -> None:
    store, disk = Store(scene / "store", "ada"), Disk(scene)
    file = store.history.find(POET, "v2")[1].files[0]
    folder = disk.folder(f"store/blobs/sha256/{file.sha256[:2]}")
    folder.durable = {}
    with watched(Steps()) as steps:
        store.history.put(POET, Commit(title="again", time="2026", files=(file,)))
    disk.play(steps.log)
    assert file.sha256 in folder.durable
