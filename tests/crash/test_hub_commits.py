"""A server killed, or without power, in the middle of a deed: nothing is damaged, and asking again helps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub.reference import Name, parse
from adapterhub.store.check import check
from adapterhub.store.leases import TTL
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_history import caught_up
from adapterhub.verbs.hub_refs import tag
from adapterhub.verbs.hub_repos import create, delete, move
from tests.builders import adapter_files, entry
from tests.crash.deeds import age
from tests.crash.power import Disk, Keep, write
from tests.crash.steps import Steps, watched
from tests.crash.test_power_loss import DISKS
from tests.verbs.hub_ground import POET, as_ours, labels, send

pytestmark = pytest.mark.slow

OTHER = Name("ada", "writer")
KILLED: Keep = lambda what: True  # noqa: E731
"""A process that is killed loses nothing it has written."""

Act = Callable[[Desk], object]


def set_scene(root: Path) -> None:
    """A repository with two versions, an entry of ours without a tag, and a version nobody has laid yet."""
    desk = Desk(Store(root, "ada"))
    create(desk, POET, private=True)
    send(desk, adapter_files(seed=1))
    send(desk, as_ours(entry(seed=2)))
    desk.store.publish(entry(seed=3), parse("ada/writer"))


LOG = [("initial commit", []), ("a commit", ["1"]), ("a commit", []), ("a commit", ["2"])]


def told(desk: Desk) -> list[tuple[str, list[str]]]:
    """The commits of main, the oldest first, and their tags."""
    history = desk.store.history
    tags, log = history.tags(POET), history.log(POET, history.branches(POET)["main"])
    return [(commit.title, [tag for tag in tags if tags[tag] == oid]) for oid, commit in log][::-1]


DEEDS: dict[str, tuple[Act, Callable[[Desk], object]]] = {
    "commit": (
        lambda desk: send(desk, {**adapter_files(seed=5), "README.md": b"# five"}),
        lambda desk: (labels(desk), sorted(desk.store.history.tags(POET)), told(desk)) == (["1", "2"], ["1", "2"], LOG),
    ),
    "tag": (
        lambda desk: (caught_up(desk, POET), "v2" in desk.store.history.tags(POET) or tag(desk, POET, "v2", "main")),
        lambda desk: labels(desk) == ["1", "v2"] and sorted(desk.store.history.tags(POET)) == ["1", "v2"],
    ),
    "lay": (
        lambda desk: caught_up(desk, OTHER),
        lambda desk: desk.store.history.tags(OTHER)["1"] == desk.store.history.branches(OTHER)["main"],
    ),
}
KILLED_ONLY: dict[str, tuple[Act, Callable[[Desk], object]]] = {
    "delete": (
        lambda desk: caught_up(desk, POET) and delete(desk, POET),
        lambda desk: not labels(desk) and not caught_up(desk, POET),
    ),
    "move": (
        lambda desk: caught_up(desk, POET) and move(desk, POET, Name("bob", "poet")),
        lambda desk: labels(desk, Name("bob", "poet")) == ["1"] and not labels(desk),
    ),
}
"""A rename from one folder to another: on the disks here a failure may keep half of it, on real ones it cannot."""


def fail_everywhere(place: Path, act: Act, done: Callable[[Desk], object], keeps: list[Keep]) -> int:
    """End the deed after every step, look whether all is whole, and do it again; how many different ends there were."""
    root = place / "scene" / "store"
    set_scene(root)
    disk = Disk(place / "scene")
    with watched(Steps()) as steps:
        act(Desk(Store(root, "ada")))
    seen: set[object] = set()
    for step in steps.log:
        disk.do(step)
        for keep in keeps:
            tree = disk.fail("store", keep)
            if (state := frozenset(tree.items())) not in seen:
                seen.add(state)
                write(tree, _fresh(place / str(len(seen))))
                _judge(Desk(Store(place / str(len(seen)), "ada")), act, done)
    return len(seen)


def _fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _judge(desk: Desk, act: Act, done: Callable[[Desk], object]) -> None:
    checked = check(desk.store)
    assert checked.ok, checked.damage
    act(desk)
    assert done(desk)
    age(desk.store.root, 2 * TTL)
    sweep(desk.store, grace=0)
    checked = check(desk.store)
    assert checked.ok, checked.damage
    assert done(desk)


@pytest.mark.parametrize("name", DEEDS)
def test_without_power_at_any_moment(place: Path, name: str) -> None:
    assert fail_everywhere(place, *DEEDS[name], [KILLED, *DISKS.values()]) >= 5


@pytest.mark.parametrize("name", KILLED_ONLY)
def test_killed_at_any_moment(place: Path, name: str) -> None:
    assert fail_everywhere(place, *KILLED_ONLY[name], [KILLED]) >= 5
