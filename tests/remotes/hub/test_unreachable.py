"""A Hub that does not answer: told at once and in our words; one that stumbles is asked again."""

import time
from pathlib import Path

import pytest

from adapterhub.errors import Unreachable
from adapterhub.remotes.table import open_remote
from tests.cli.builders import CommandLine, adapter
from tests.protocols.hub_server import Handler, serving

NOBODY = "hub+http://127.0.0.1:9"
SECONDS = 8
"""What a start of Python and a refused connection take on a busy machine; huggingface_hub's own tries take 23."""


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    run = CommandLine(tmp_path / "store", tmp_path)
    run("add", adapter(tmp_path / "poet"), "ada/poet")
    run("remote", "add", "team", NOBODY)
    return run


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--remote", "team"),
        ("remote", "test", "team"),
        ("pull", "team:ada/poet"),
        ("push", "ada/poet", "--public"),
        ("show", "team:ada/poet"),
    ],
)
def test_a_server_that_is_down_is_told_of_at_once_and_by_us_alone(run: CommandLine, words: tuple[str, ...]) -> None:
    begun = time.monotonic()
    told = run(*words, code=Unreachable.code, HF_HUB_OFFLINE="0").err.splitlines()
    assert time.monotonic() - begun < SECONDS
    assert [line.partition(":")[0] for line in told] == ["error", "hint"]
    assert "http://127.0.0.1:9" in told[0]
    assert "is the server running" in told[1]


def test_a_list_that_breaks_off_is_asked_for_again_without_a_word(monkeypatch, capfd) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
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
