"""The resolver for vLLM before a registry that accepts and says nothing, or is gone."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapterhub.hub import Hub
from adapterhub.integrations import asking
from adapterhub.integrations.vllm import register
from tests.builders import tiny_adapter, tiny_base
from tests.integrations.vllm_stand_in import LoRARequest, Registry, install

PATIENCE = 3.0
SOON = 2.0
"""Seconds in which an answer from the store has come, on a busy machine too."""


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """A stand-in of vLLM over a store that has ada/sql; PATIENCE is short."""
    monkeypatch.setenv("ADAPTERHUB_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("ADAPTERHUB_BASE", str(tiny_base(tmp_path / "base")))
    monkeypatch.setattr(asking, "PATIENCE", PATIENCE)
    Hub.open().add(tiny_adapter(tmp_path / "run"), "ada/sql")
    return install(monkeypatch)


@pytest.fixture(params=["hub+http", "http"])
def silent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """A registry that takes connections and says nothing; the connections that came."""
    came: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                came.append(listening.accept()[0])
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("ADAPTERHUB_REMOTE", f"{request.param}://127.0.0.1:{listening.getsockname()[1]}")
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield came
        finally:
            listening.shutdown(socket.SHUT_RDWR)  # else its thread waits on
            thread.join()
            for one in came:
                one.close()


def ask_at_once(vllm: Registry, *names: str) -> tuple[list[LoRARequest | None], list[float]]:
    """The answers, and after how many seconds each came; at the end, when a thread of asyncio's own was had."""

    async def one(name: str) -> tuple[LoRARequest | None, float]:
        found = await vllm.answer("org/served", name)
        return found, time.monotonic() - begun

    async def other() -> tuple[None, float]:
        await asyncio.sleep(0.1)
        await asyncio.to_thread(int)
        return None, time.monotonic() - begun

    async def each() -> list[tuple[LoRARequest | None, float]]:
        return await asyncio.gather(*map(one, names), other())

    begun = time.monotonic()
    told = asyncio.run(each())
    return [found for found, _ in told], [seconds for _, seconds in told]


def test_a_registry_that_hangs_costs_the_first_its_patience_and_the_next_nothing(vllm, silent, caplog):
    register()
    (found, _), (seconds, _) = ask_at_once(vllm, "ada/sql@1")
    assert found
    assert PATIENCE <= seconds < PATIENCE + 15
    assert "no answer in 3 seconds; what the store has of ada/sql@1 is served" in caplog.text
    connections = len(silent)
    (found, unknown, _), (again, nobody, _) = ask_at_once(vllm, "ada/sql@1", "ada/unknown")
    assert found
    assert unknown is None
    assert max(again, nobody) < PATIENCE + SOON
    assert len(silent) == connections
    assert "it is asked again in" in caplog.text


def test_names_nobody_has_hold_up_neither_a_real_one_nor_the_threads_of_asyncio(vllm, silent):
    register()
    names = [f"x/y{number}" for number in range(30)]
    found, seconds = ask_at_once(vllm, *names, "ada/sql@1")
    assert found[-2]
    assert found[:-2] == [None] * len(names)
    assert max(seconds) < 2 * PATIENCE + 15
    assert seconds[-1] < PATIENCE


def test_a_download_may_take_longer_than_an_answer(vllm, tmp_path, monkeypatch):
    hub = Hub.open(tmp_path / "elsewhere")
    hub.remote_add("team", str(tmp_path / "team"))
    hub.push([hub.add(tiny_adapter(tmp_path / "new", seed=1), "ada/new").reference], "team")
    monkeypatch.setenv("ADAPTERHUB_REMOTE", str(tmp_path / "team"))
    pull = Hub.pull

    def slow(*words: Any, **more: Any) -> Any:
        time.sleep(PATIENCE + 0.2)
        return pull(*words, **more)

    monkeypatch.setattr(Hub, "pull", slow)
    register()
    (found, _), _ = ask_at_once(vllm, "ada/new@1")
    assert found
