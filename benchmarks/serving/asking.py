"""Clients that ask one thing again and again, and how long each answer took."""

import time
from typing import Any

from benchmarks.serving.crowd import Seen, at_once
from benchmarks.serving.wire import Client

__all__ = ["ask", "waited"]


def ask(
    url: str, token: str, method: str, paths: list[str], clients: int, count: int, most: float = 20.0
) -> dict[str, Any]:
    """So many clients ask for these paths in turn, `count` times all together or until `most` seconds are over."""
    begun = time.perf_counter()

    def client(number: int, seen: Seen) -> None:
        with Client(url, token) as at:
            for turn in range(number, count, clients):
                start = time.perf_counter()
                if start - begun > most:
                    break
                try:
                    _, body = at.ask(method, paths[turn % len(paths)])
                except Exception as error:
                    seen.errors.append(f"{type(error).__name__}: {error}"[:300])
                    break
                seen.took.append(time.perf_counter() - start)
                seen.bytes += len(body)

    seen = at_once(clients, client)
    return {"seconds": time.perf_counter() - begun, **seen.plain()}


def waited(url: str, token: str, path: str, beside: str, without: str = "") -> dict[str, Any]:
    """Seconds until the first answer to one question that does not say `without`, and how long another one took all the
    while."""

    def client(number: int, seen: Seen) -> None:
        with Client(url, token) as at:
            if number == 0:
                _first(at, path, without, done)
            while not done:
                start = time.perf_counter()
                at.ask("GET", beside)
                seen.took.append(time.perf_counter() - start)
                time.sleep(0.02)

    done: list[float] = []
    seen = at_once(2, client)
    return {"seconds": done[0], **seen.plain()}


def _first(at: Client, path: str, without: str, done: list[float]) -> None:
    """The one answer; whoever waits for it is let go where there is none."""
    start = time.perf_counter()
    try:
        while without and without.encode() in at.ask("GET", path)[1]:
            time.sleep(1)
        if not without:
            at.ask("GET", path)
    finally:
        done.append(time.perf_counter() - start)
