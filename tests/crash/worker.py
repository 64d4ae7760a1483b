"""One of several processes that do at random whatever can be done to one store and one remote.

    python -m tests.crash.worker ROOT SEED ROUNDS

It writes down, a line of JSON each: {"done": registry, "reference", "digest"} for every version it was told is
published, {"gone": registry, "reference"} before it removes one, {"fault": …} for what must never happen.
"""

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapterhub.errors import Conflict, NotFound, Refused
from adapterhub.hub import Hub
from tests.crash.adapters import write_adapter

NAMES = ("ada/poet", "bob/poet")
LABELS = tuple(str(number) for number in range(1, 13))
ALIASES = ("prod", "best")
CONTENTS = 12
ALLOWED = (Conflict, NotFound, Refused)


class Worker:
    """One process's share of the work."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.dice = root, random.Random(seed)
        self.url = f"file://{root / 'remote'}"
        self.told = (root / f"told-{seed}").open("a", buffering=1)

    def tell(self, **said: Any) -> None:
        self.told.write(json.dumps(said) + "\n")

    def hub(self) -> Hub:
        """The store, or the remote as somebody sees it who works on its machine."""
        return Hub.open(self.root / self.dice.choice(("store", "store", "store", "remote")))

    def reference(self) -> str:
        return f"{self.dice.choice(NAMES)}@{self.dice.choice(LABELS)}"

    def published(self, where: Path, reference: str, digest: str) -> None:
        self.tell(done=where.name, reference=reference, digest=digest)

    def add(self) -> None:
        hub = self.hub()
        folder = self.root / "folders" / str(self.dice.randrange(CONTENTS))
        name = self.dice.choice((self.reference(), self.dice.choice(NAMES)))
        shown = hub.add(folder, name, metrics={"accuracy": self.dice.random()}, tags=[self.dice.choice("abc")])
        self.published(hub.store, shown.reference, shown.digest)

    def push(self) -> None:
        for pushed in Hub.open(self.root / "store").push([self.dice.choice(NAMES)], self.url):
            self.published(self.root / "remote", pushed.reference, pushed.digest)

    def pull(self) -> None:
        for pulled in Hub.open(self.root / "store").pull([self.reference()], self.url):
            self.published(self.root / "store", pulled.reference, pulled.digest)

    def alias(self) -> None:
        self.hub().alias(self.reference(), self.dice.choice(ALIASES))

    def tag(self) -> None:
        self.hub().tag(self.reference(), [self.dice.choice("abc")], drop=[self.dice.choice("def")])

    def remove(self) -> None:
        hub = self.hub()
        there = [line.reference for line in hub.list()]
        if there:
            reference = self.dice.choice(there)
            self.tell(gone=hub.store.name, reference=reference)
            hub.remove(reference)

    def sweep(self) -> None:
        self.hub().sweep(0)

    def check(self) -> None:
        checked = self.hub().check()
        if not checked.ok:
            self.tell(fault=f"damage: {[damage.plain() for damage in checked.damage]}")

    def look(self) -> None:
        """No line of a list is half there."""
        for line in self.hub().list():
            if line.facts.format != "peft":
                self.tell(fault=f"half an entry: {line.plain()}")

    def search(self) -> None:
        self.hub().search(where="accuracy>0.5")

    def run(self, rounds: int) -> None:
        """So many deeds; only what the rules allow may be refused."""
        deeds: tuple[tuple[Callable[[], None], int], ...] = (
            (self.add, 6), (self.push, 4), (self.pull, 3), (self.alias, 2), (self.tag, 2),
            (self.remove, 5), (self.sweep, 4), (self.check, 1), (self.look, 2), (self.search, 1),
        )  # fmt: skip
        words, weights = zip(*deeds, strict=True)
        for deed in self.dice.choices(words, weights, k=rounds):
            try:
                deed()
            except ALLOWED:
                self.tell(refused=deed.__name__)
            except Exception as error:
                self.tell(fault=f"{deed.__name__}: {type(error).__name__}: {error}")


def main() -> None:
    """Do so many rounds."""
    root, seed, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    # What is on trial is how the processes meet, not a disk: without waiting for it they meet far more often.
    os.fsync = lambda handle: None
    Worker(root, seed).run(rounds)


def set_table(root: Path) -> None:
    """The folders the workers add; some of their bytes are the same."""
    for seed in range(CONTENTS):
        write_adapter(root / "folders" / str(seed), seed // 2, rank=1 + seed % 2, card=f"# {seed % 3}\n")


if __name__ == "__main__":
    main()
