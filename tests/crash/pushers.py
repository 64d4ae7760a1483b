"""One of several clients of a server that is killed again and again.

    python -m tests.crash.pushers KIND FOLDER URL

It goes on until FOLDER/stop is there. In FOLDER/KIND.told it writes down, a line of JSON each: {"begin": deed, …}
before it asks for something, {"done": deed, …} when it was told that it is done, {"broke": why, "status", …} when it
was told anything else, or nothing: then it waits until the server is there again and asks for the same. A deed is what
becomes visible in one step; all that a kind does lies in a namespace of its own, KIND.
"""

import contextlib
import hashlib
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import urlopen

from adapterhub.formats.peft_keys import build_key
from tests.builders import safetensors

TRIES = 6
"""The server is killed once while a deed is tried, and then left alone until it is done."""

REST = 0.1
"""Seconds between two turns, at most."""

WEIGHTS = "adapter_model.safetensors"


def adapter(dice: Random, size: int) -> dict[str, bytes]:
    """The files of an adapter nobody has, of about so many bytes."""
    rows = max(1, size // 8 // 64)
    data = {role: dice.randbytes(rows * 64 * 4) for role in "AB"}
    shapes = {"A": (64, rows), "B": (rows, 64)}
    tensors = {build_key("layers.0.q_proj", role): (shapes[role], data[role]) for role in "AB"}
    fields = {"peft_type": "LORA", "r": 64, "lora_alpha": 64, "target_modules": ["q_proj"]}
    return {
        "adapter_config.json": json.dumps({**fields, "base_model_name_or_path": "org/tiny"}).encode(),
        WEIGHTS: safetensors(tensors),
        "README.md": f"# {dice.random()}\n".encode(),
    }


def hashes(files: dict[str, bytes]) -> dict[str, str]:
    """Path -> sha256."""
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


@dataclass
class Repo:
    """What a client knows of a repository of its own: commits with weights, tags, aliases."""

    oids: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass
class Pusher(ABC):
    """One client."""

    kind: str
    folder: Path
    url: str
    token: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    made: int = 0

    def __post_init__(self) -> None:
        self.token = (self.folder / "token").read_text()
        self.told = (self.folder / f"{self.kind}.told").open("a", buffering=1)
        self.dice = Random(self.kind)

    @abstractmethod
    def turn(self) -> None:
        """One or some deeds."""

    def tell(self, **said: Any) -> None:
        self.told.write(json.dumps({**said, "at": time.time()}) + "\n")

    def do(self, deed: str, act: Callable[[bool], dict[str, Any]], **said: Any) -> dict[str, Any]:
        """Ask until it is done; `act` is told whether it was asked for before."""
        for number in range(TRIES):
            self.tell(begin=deed, **said)
            try:
                answer = act(number > 0)
            except Exception as error:
                status = getattr(getattr(error, "response", None), "status_code", 0)
                self.tell(broke=deed, why=f"{type(error).__name__}: {error}"[:600], status=status, **said)
                self.wait()
            else:
                self.tell(done=deed, **said, **answer)
                return {**answer, "again": number > 0}
        self.tell(lost=deed, **said)
        raise SystemExit(1)

    def wait(self) -> None:
        """Until the server answers again, and has room."""
        while True:
            with contextlib.suppress(OSError), urlopen(f"{self.url}/healthz"):
                if not (self.folder / "full").exists():
                    return
            time.sleep(0.1)

    def name(self) -> str:
        """A name that was never used."""
        self.made += 1
        return f"{self.kind}/r{self.made}"

    def run(self) -> None:
        while not (self.folder / "stop").exists():
            self.turn()
            time.sleep(self.dice.uniform(0, REST))


def main(kind: str, folder: str, url: str) -> None:
    """Be one client."""
    from tests.crash.pushing import KINDS

    KINDS[kind](kind, Path(folder), url).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
