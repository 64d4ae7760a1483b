"""A Hub that does not answer: told at once and in our words; one that stumbles is asked again."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterhub.errors import Corrupt, Unreachable
from adapterhub.remotes.table import open_remote
from tests.cli.builders import CommandLine, adapter
from tests.protocols.hub_server import Handler, Hub, serving

NOBODY = "hub+http://127.0.0.1:9"
SECONDS = 15
"""More than a start of Python and one question take on a busy machine; huggingface_hub's own tries take 23."""
QUESTIONS = [
    ("list", "--remote", "team"),
    ("remote", "test", "team"),
    ("pull", "team:ada/poet"),
    ("push", "ada/poet", "--public"),
    ("show", "team:ada/poet"),
]
"""Commands whose first question goes to the server."""


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    run = CommandLine(tmp_path / "store", tmp_path)
    run("add", adapter(tmp_path / "poet"), "ada/poet")
    run("remote", "add", "team", NOBODY)
    return run


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_server_that_is_down_is_told_of_at_once_and_by_us_alone(run: CommandLine, words: tuple[str, ...]) -> None:
    begun = time.monotonic()
    told = run(*words, code=Unreachable.code, HF_HUB_OFFLINE="0").err.splitlines()
    assert time.monotonic() - begun < SECONDS
    assert [line.partition(":")[0] for line in told] == ["error", "hint"]
    assert "http://127.0.0.1:9" in told[0]
    assert "is the server running" in told[1]


@pytest.fixture
def stopped() -> Iterator[Hub]:
    """A proxy whose server is stopped."""
    with serving({}) as server:
        server.fault = lambda handler: handler.fail(502, "") or True
        yield server


def test_https_where_only_http_is_spoken_is_told_the_other_address(run: CommandLine, stopped: Hub) -> None:
    told = run("list", "--remote", f"hub+{stopped.url}".replace("http:", "https:"), code=Unreachable.code).err
    assert "nothing speaks HTTPS there" in told
    assert "hub+http://" in told


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_server_that_its_proxy_cannot_reach_is_asked_once(
    run: CommandLine, stopped: Hub, words: tuple[str, ...]
) -> None:
    run("remote", "remove", "team")
    run("remote", "add", "team", f"hub+{stopped.url}")
    told = run(*words, code=Unreachable.code, HF_HUB_OFFLINE="0").err.splitlines()
    assert len(stopped.asked) == 1
    assert [line.partition(":")[0] for line in told] == ["error", "hint"]
    assert stopped.url in told[0]
    assert "the Hub answered HTTP 502" in told[0]
    assert "is the server running" in told[1]


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_server_in_trouble_is_asked_once_for_its_list(stopped: Hub, online: None, status: int) -> None:
    stopped.fault = lambda handler: handler.fail(status, "") or True
    with pytest.raises(Unreachable, match=f"{stopped.url}: the Hub answered HTTP {status}"):
        list(open_remote(f"hub+{stopped.url}").list())
    assert len(stopped.asked) == 1


def test_a_server_that_says_not_so_fast_is_asked_again(online: None) -> None:
    questions: list[str] = []

    def answer(handler: Handler) -> bool:
        questions.append(handler.path)
        if len(questions) == 1:
            handler.give(429, b"", {})
        else:
            handler.json([])
        return True

    with serving({}) as server:
        server.fault = answer
        assert list(open_remote(f"hub+{server.url}").list()) == []
    assert len(questions) == 3


@pytest.mark.parametrize("answer", [{"a": 1}, ["a"], None, 3])
def test_what_is_no_list_of_models_is_told_as_that(online: None, answer: object) -> None:
    def give(handler: Handler) -> bool:
        handler.json(answer)
        return True

    with serving({}) as server:
        server.fault = give
        with pytest.raises(Corrupt, match=f"{server.url}: .* /api/models gave no list of models"):
            list(open_remote(f"hub+{server.url}").list())


def test_a_list_that_breaks_off_is_asked_for_again_without_a_word(online: None, capfd) -> None:
    questions: list[str] = []

    def answer(handler: Handler) -> bool:
        questions.append(handler.path)
        if len(questions) == 2:
            handler.close_connection = True
            return True
        handler.json([{"id": "ada/poet", "adapterhub": {"versions": []}}])
        return True

    with serving({}) as server:
        server.fault = answer
        assert list(open_remote(f"hub+{server.url}").list()) == []
    assert len(questions) == 3
    assert capfd.readouterr().err == ""
