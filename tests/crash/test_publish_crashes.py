"""A process killed at every single step of every deed loses nothing and leaves nothing half done."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.deeds import DEEDS, Scene
from tests.crash.invariants import holds, is_tidy, opens, read

pytestmark = pytest.mark.slow

FEWEST = 6
"""Steps the shortest deed has."""

PUBLISHING = ("add to a fresh store", "add another version", "push another version")
LEAST_KILLS = 200
"""Rounds in which a process died while it published, each at a step of its own."""


class Zygote:
    """The process that forks the children which die."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "tests.crash.zygote"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(words, cwd=Path(__file__).parents[2], **pipes)  # type: ignore[call-overload]

    def round(self, deed: str, root: Path, last: int = 0) -> dict:
        self.process.stdin.write(json.dumps({"deed": deed, "root": str(root), "last": last}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(120)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def zygote():
    one = Zygote()
    yield one
    one.close()


class Rounds:
    """One deed, done again and again in the same place."""

    def __init__(self, zygote: Zygote, name: str, first: Scene, place: Path) -> None:
        self.zygote, self.name, self.deed = zygote, name, DEEDS[name]
        self.scene, self.kept = Scene(place / "scene"), place / "kept"
        shutil.copytree(first.root, self.scene.root)
        self.deed.prepare(self.scene)
        self.root = self.scene.root / self.deed.where
        if self.root.exists():
            shutil.copytree(self.root, self.kept)
        self.before = read(self.root, self.deed.hurt)

    def all(self) -> int:
        """Die at one step after the other until there is none left; how many times somebody died."""
        last, kills = 1, 0
        try:
            while self.once(last):
                last += self.deed.every
                kills += 1
        except Exception as error:
            error.add_note(f"{self.name}, killed at step {last}")
            raise
        assert last > FEWEST
        return kills

    def once(self, last: int) -> bool:
        """Begin anew, die at a step, look, do it again, look; whether there were so many steps."""
        shutil.rmtree(self.root, ignore_errors=True)
        if self.kept.exists():
            shutil.copytree(self.kept, self.root)
        killed = self.act(last)
        holds(self.root, self.before, self.deed.gone, self.deed.hurt)
        if not self.deed.hurt:
            opens(self.root)
        if killed:
            assert not self.act(0)
        self.deed.done(self.scene)
        is_tidy(self.root)
        holds(self.root, self.before, self.deed.gone)
        return killed

    def act(self, last: int) -> bool:
        told = self.zygote.round(self.name, self.scene.root, last)
        assert told["error"] == ""
        return told["killed"]


def told(record_property, kills: int) -> int:
    """Count kills for the summary, and print them with -s."""
    record_property("kills", kills)
    print(f"killed {kills} times")
    return kills


def test_publishing_killed_at_any_step_in_200_rounds_and_more_loses_nothing(
    zygote, first_scene, place, record_property
):
    kills = {name: Rounds(zygote, name, first_scene, place / name).all() for name in PUBLISHING}
    assert told(record_property, sum(kills.values())) >= LEAST_KILLS, kills


@pytest.mark.parametrize("name", [name for name in DEEDS if name not in PUBLISHING])
def test_a_process_killed_at_any_step_loses_nothing_and_can_be_run_again(
    zygote, first_scene, place, record_property, name
):
    told(record_property, Rounds(zygote, name, first_scene, place).all())
