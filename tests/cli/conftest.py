"""Command lines for tests: `run` in a process of its own, `type_` in this one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub.cli.app import run as run_words
from adapterhub.cli.faults import guarded
from tests.cli.builders import CommandLine, Ran


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    """A command line with a store of its own, each call a process."""
    return CommandLine(store=tmp_path / "store", cwd=tmp_path)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys) -> Callable[..., Ran]:
    """The same without the process; the exit code must be the one given, if one is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADAPTERHUB_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("ADAPTERHUB_USER", "ada")

    def words(*given: object, code: int | None = 0) -> Ran:
        capsys.readouterr()
        got = guarded(run_words, [str(word) for word in given])
        ran = Ran(got, *capsys.readouterr())
        assert code is None or ran.code == code, f"{given}: exit {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    return words
