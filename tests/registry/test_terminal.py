"""The terminal shows what runs, in a hundred columns."""

import os

import pytest

from registry.scripts.terminal import WIDTH, Terminal


def add(*, first: int, second: int) -> int:
    """The sum, in words."""
    words = f"{first} and {second}"
    return len(words.split()) and first + second


def test_python_is_printed_with_its_values_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert Terminal({}).python(add, first=1, second=2) == 3
    assert capsys.readouterr().out == '    first = 1\n    second = 2\n    words = f"{first} and {second}"\n\n'


def test_a_command_is_printed_as_typed_with_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(dict(os.environ)).command("--version")
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "$ adapterhub --version"
    assert second.startswith("adapterhub ")


def test_another_exit_code_than_expected_ends_the_walk(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="exit code 4, expected 0"):
        Terminal(dict(os.environ)).command("show", "poet")
    assert "(exit code 4)" in capsys.readouterr().out


def test_nothing_is_wider_than_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(dict(os.environ)).export("ADAPTERHUB_HOME", "/nowhere")
    terminal.title("A title")
    terminal.say("word " * 60)
    terminal.command("show", *[f"ada/{'x' * 60}{number}" for number in range(3)], code=2)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= WIDTH
