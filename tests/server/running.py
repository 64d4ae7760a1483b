"""A real server in a process of its own, on a free port of loopback."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from adapterhub.hub import Hub
from tests.house.sources import ROOT

WAIT = 60
SCRIPT = """
import sys
from adapterhub import Hub
from adapterhub.server.run import serve
from adapterhub.server.settings import Serving
serve(Hub.open().desk, Serving(**eval(sys.argv[1])), lambda url: print(url, flush=True))
"""


@dataclass
class Running:
    """`adapterhub serve` over the store in `home`. Its log lies in `log`, one JSON document a line."""

    home: Path
    log: Path
    options: tuple[str, ...] = ()
    url: str = ""
    token: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    env: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of the server that the command line has no option for."""
    program: tuple[str, ...] = ("-m", "adapterhub")
    """What Python runs; it is given the words of `serve`."""
    own: set[str] = field(default_factory=set)
    """Ids of the questions that `lines` asked."""

    @property
    def hub(self) -> Hub:
        """The served store, from outside."""
        return Hub.open(self.home)

    def start(self) -> "Running":
        """Start it, or start it again on the port it had."""
        port = self.url.rpartition(":")[2] or "0"
        words = [sys.executable, *self.program, "serve", "--port", port, *self.options]
        if self.settings:
            words = [sys.executable, "-c", SCRIPT, repr({"port": int(port), **self.settings})]
        env = {**os.environ, "ADAPTERHUB_HOME": str(self.home), "HF_HUB_OFFLINE": "1", **self.env}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=log, cwd=ROOT)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the server did not start: {self.log.read_text()}"
        self.url = line.decode().split()[-1]
        return self

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End it, and its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(how)
        try:
            code = self.process.wait(WAIT)
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None
        return code

    def new_token(self, name: str, role: str, *namespaces: str, expires: str | None = None) -> str:
        """Another token of it."""
        return self.hub.token_create(name, role, namespaces=namespaces, expires=expires).token

    def ask(self, method: str, path: str, *, token: str | None = "", **more: Any) -> httpx2.Response:
        """A request with the admin's token; another one with `token`, none with None."""
        word = self.token if token == "" else token
        headers = {**({"Authorization": f"Bearer {word}"} if word else {}), **more.pop("headers", {})}
        with httpx2.Client(timeout=WAIT, trust_env=False) as client:
            return client.request(method, f"{self.url}{path}", headers=headers, **more)

    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log. One comes after its answer: where it runs, a question of our own is waited for."""
        end = time.monotonic() + WAIT
        if self.process is not None:
            self.own.add(last := self.ask("GET", "/healthz", token=None).headers["x-request-id"])
            while f'"id": "{last}"' not in self.log.read_text():
                assert time.monotonic() < end, "the server does not log what it was asked"
                time.sleep(0.005)
        found = map(json.loads, self.log.read_text().splitlines())
        return [line for line in found if line.get("id") not in self.own]


@contextlib.contextmanager
def running(folder: Path, *options: str, **settings: Any) -> Iterator[Running]:
    """A server over a new store below a folder, with an admin's token; stopped at the end."""
    server = Running(folder / "served", folder / "server.log", options, settings=settings)
    server.token = server.new_token("admin", "admin")
    try:
        yield server.start()
    finally:
        server.stop()
