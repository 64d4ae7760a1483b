"""`adapterhub serve` as a person starts it, for the time of a measurement."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from adapterhub.hub import Hub
from benchmarks.measure import ours

__all__ = ["Served", "serving"]

WAIT = 120


@dataclass(frozen=True)
class Served:
    """A server that runs: where, a token that may do everything there, and its process."""

    url: str
    token: str
    pid: int
    store: Path
    log: Path

    def faults(self) -> list[str]:
        """What its log tells of things that should not be."""
        said = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [f"{one['fault']} {one.get('places')}" for one in said if "fault" in one]


@contextmanager
def serving(store: Path, *options: str) -> Iterator[Served]:
    """One process over a store, on a free port of loopback; it must end well."""
    token = Hub.open(store).token_create(f"benchmark-{uuid4().hex[:8]}", "admin").token
    log = store.with_name(f"{store.name}.log")
    words = ours("serve", "--port", 0, "--store", store, *options)
    with log.open("ab") as errors, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        try:
            if not line:
                raise SystemExit(f"the server did not start:\n{_end(log)}")
            yield Served(line.split()[-1], token, process.pid, store, log)
        finally:
            process.terminate()
            code = process.wait(WAIT)
    if code:
        raise SystemExit(f"the server ended with {code}:\n{_end(log)}")


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
