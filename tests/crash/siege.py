"""A server and its clients, who push to it all the time; and who ends it, and judges what is left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from adapterhub.hub import Hub
from adapterhub.store.depots import KEPT
from adapterhub.store.store import Store
from tests.crash.deeds import age
from tests.crash.invariants import UNFINISHED
from tests.crash.promises import Judge, gives, lines, read
from tests.crash.pushing import KINDS
from tests.house.sources import ROOT
from tests.server.running import Running

PART = 1 << 20
PATIENCE = 90

PLACES = (
    "/commits/", "/heads/", "/tags/", "/versions/", "/aliases/", "/removed/", "repo.json", ".ready", "/blobs/",
    ".xorb", "/events/", "/notes/", "/incoming/xet/", ".part", ".lease", "/repos/",
)  # fmt: skip
"""Words in the paths of steps at which a server dies."""


def is_swept(root: Path) -> None:
    """When it was long ago, nothing is left of what was cut off."""
    age(root, 2 * KEPT)
    hub = Hub.open(root)
    hub.sweep(0)
    left = [str(path.relative_to(root)) for path in root.rglob("*") if path.suffix in (*UNFINISHED, ".xorb")]
    assert not left, left
    checked = hub.check()
    assert (checked.ok, checked.unreferenced) == (True, 0), checked.damage


@dataclass
class Siege:
    """A server, its clients, and who kills it."""

    place: Path
    server: Running
    dice: Random
    clients: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)

    @cached_property
    def bench(self) -> Judge:
        return Judge(Store(self.server.home))

    def let_in(self) -> None:
        """Start the clients."""
        (self.place / "token").write_text(self.server.token)
        for kind in KINDS:
            env = {**os.environ, "HF_HOME": str(self.place / f"hf-{kind}"), "HF_HUB_OFFLINE": "0"}
            env |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1"}
            env |= {} if kind == "xet" else {"HF_HUB_DISABLE_XET": "1"}
            words = [sys.executable, "-m", "tests.crash.pushers", kind, str(self.place), self.server.url]
            with (self.place / f"{kind}.err").open("ab") as errors:
                self.clients[kind] = subprocess.Popen(words, env=env, cwd=ROOT, stderr=errors, start_new_session=True)

    def signal(self, number: int) -> None:
        for client in self.clients.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(client.pid, number)

    def all_say(self, word: str, since: float) -> None:
        """Wait until every client has written this down since then: `done` means that what was cut off ended well."""
        left, end = set(self.clients), time.monotonic() + PATIENCE
        while left:
            assert time.monotonic() < end, f"{left} cannot go on: {self.last_words(left)}"
            time.sleep(0.02)
            left -= {kind for kind in left if any(word in said and said["at"] > since for said in self.told(kind))}

    def told(self, kind: str) -> list[dict[str, Any]]:
        path = self.place / f"{kind}.told"
        return lines(path)[-50:] if path.exists() else []

    def last_words(self, kinds: set[str]) -> str:
        errors = {kind: (self.place / f"{kind}.err").read_text()[-800:] for kind in kinds}
        return "\n".join(f"{kind}: {self.clients[kind].poll()} {self.told(kind)[-3:]} {errors[kind]}" for kind in kinds)

    def stand(self, way: str) -> None:
        """Start the server: as it is, with small parts, or so that it dies where it was chosen."""
        fate: dict[str, object] = {"part": PART, "full": str(self.place / "full")}
        if way == "chosen":
            fate |= {"word": self.dice.choice(PLACES), "count": self.dice.randint(1, 12)}
        fated = ("-m", "tests.crash.serving", json.dumps(fate))
        self.server.program = ("-m", "adapterhub") if way == "plain" else fated
        self.server.start()

    def fall(self, way: str) -> None:
        """Let it be killed: at a moment of its own, else at any."""
        process = self.server.process
        assert process is not None
        if way == "chosen":
            process.send_signal(signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        else:
            time.sleep(self.dice.uniform(0.02, 1.5))
        by_itself = process.poll() is not None
        self.deaths[way if by_itself or way != "chosen" else "chosen, too late"] += 1
        self.server.stop(signal.SIGKILL)

    def judge(self) -> None:
        """With nobody serving: the store is clean, and every promise is kept."""
        words = [sys.executable, "-m", "adapterhub", "check", "--json", "--store", str(self.server.home)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["damage"] == []
        self.bench.judge(read(self.place))

    def judge_from_outside(self, last: int) -> int:
        """With the server up and every client held: it gives what it took."""
        headers = {"Authorization": f"Bearer {self.server.token}"}
        with httpx2.Client(base_url=self.server.url, headers=headers, trust_env=False, timeout=PATIENCE) as client:

            def get(path: str) -> bytes:
                answer = client.get(path)
                assert answer.status_code == 200, (path, answer.text)
                return answer.content

            return sum(gives(get, one, last) for one in read(self.place))

    def begin(self) -> None:
        """All clients have pushed something; now they are held, and nobody serves."""
        self.server.start()
        self.let_in()
        self.all_say("done", 0)
        self.fall("plain")
        self.hold()

    def hold(self) -> None:
        """Stop all clients where they are."""
        time.sleep(0.2)  # some come to a closed door
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """The server has taken what it was told; every client goes on, and ends what was cut off."""
        self.judge_from_outside(1)
        since = time.time()
        self.signal(signal.SIGCONT)
        self.all_say("done", since)

    def end(self) -> None:
        """All clients end what they do, and the server ends in order; then nothing is left of what was cut off."""
        (self.place / "stop").touch()
        self.signal(signal.SIGCONT)
        codes = {kind: client.wait(PATIENCE) for kind, client in self.clients.items()}
        assert set(codes.values()) == {0}, self.last_words({kind for kind, code in codes.items() if code})
        assert self.server.stop() == 0
        self.judge()
        is_swept(self.server.home)

    def broke(self) -> list[dict[str, Any]]:
        """What clients were told instead of what they asked for."""
        return [said for path in self.place.glob("*.told") for said in lines(path) if "broke" in said]
