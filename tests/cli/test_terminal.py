"""On a terminal nothing wraps."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from adapterhub.cli.text import wide
from tests.cli.builders import adapter


@pytest.fixture
def screen(tmp_path):
    """Run a command line on a terminal of so many columns and return the lines on it."""

    def run(columns: int, *words: str) -> list[str]:
        outside, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        script = "from adapterhub.cli.app import main; main()"
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
        environment |= {"ADAPTERHUB_HOME": str(tmp_path / "store"), "TERM": "xterm"}
        command = [sys.executable, "-c", script, *words]
        with subprocess.Popen(command, stdout=inside, stderr=inside, cwd=tmp_path, env=environment) as running:
            os.close(inside)
            text = b""
            while chunk := _read(outside):
                text += chunk
        os.close(outside)
        assert running.returncode == 0, text
        return (
            re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.decode()).replace("\r\n", "\n").replace("\r", "\n").splitlines()
        )

    return run


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(screen, tmp_path, columns):
    long = "a-very-long-organisation-name/and-a-model-with-a-name-nobody-will-remember-7B-Instruct"
    adapter(tmp_path / "poet", base_model_name_or_path=long)
    name = "a-namespace-of-some-length/an-adapter-whose-name-tells-a-whole-story"
    screen(columns, "add", "./poet", name)
    for words in (["list"], ["log"], ["scan", "."], ["search", "story"], ["check"], ["show", "./poet"]):
        # A digest is one word of 71 letters, which nobody wants broken.
        shown = [line for line in screen(columns, *words) if not line.startswith("  sha256:")]
        assert max(map(wide, shown)) <= columns, words


def test_a_wide_terminal_shows_everything(screen, tmp_path):
    adapter(tmp_path / "poet")
    screen(200, "add", "./poet", "ada/poet")
    heading, row = screen(200, "list")
    assert heading.split() == ["REFERENCE", "TYPE", "RANK", "BASE", "ADDED", "DIGEST"]
    assert row.split()[:4] == ["ada/poet@1", "LORA", "2", "org/tiny"]


def test_a_merge_shows_how_far_it_is(screen, tmp_path):
    for seed, name in enumerate(("sql", "chat")):
        adapter(tmp_path / name, seed=seed)
        screen(80, "add", f"./{name}", f"ada/{name}")
    assert any(line.startswith("merging") for line in screen(80, "merge", "ada/sql + ada/chat", "ada/both"))
