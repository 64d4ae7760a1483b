"""The blocks of a page, and a shell that types them."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.house.sources import ROOT

BIN = Path(sys.executable).parent
"""Where the commands lie that were installed beside this Python."""
SECONDS = 180.0
"""More than what a page says takes on a busy machine."""


def section(path: str, heading: str) -> str:
    """What stands below a heading of a page, up to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", (ROOT / path).read_text(), re.S | re.M)
    return str(found)


def typed(text: str) -> list[str]:
    """What a person types of each code block: the lines behind a $, with those they go on in."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.S | re.M)
    lines = (re.findall(r"^\$ ((?:.*\\\n)*.*\n)", block, re.M) for block in blocks)
    return ["".join(found) for found in lines if found]


def put(text: str, changes: Mapping[str, str]) -> str:
    """A text with a machine's own words; each of them must stand there."""
    for said, meant in changes.items():
        assert said in text, said
        text = text.replace(said, meant)
    return text


@contextmanager
def begin(script: str, home: Path, **environment: str) -> "Iterator[subprocess.Popen[str]]":
    """A shell at work in `home`, as a person there has it: a login, a PATH, and none of our settings.

    It is ended, with all that it began, when it takes longer than SECONDS, and when the block is left.
    """
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADAPTERHUB_", "HF_", "XDG_"))}
    own = {"HOME": str(home), "ADAPTERHUB_HOME": str(home / "store"), "PATH": f"{BIN}{os.pathsep}{kept['PATH']}"}
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env={**kept, **own, **environment},
        start_new_session=True,
    ) as shell:
        late = threading.Event()
        watch = threading.Timer(SECONDS, kill, [shell, late])
        watch.start()
        try:
            yield shell
        finally:
            watch.cancel()
            kill(shell)
        assert not late.is_set(), f"after {SECONDS} s it was at work still: {script}"


def kill(shell: "subprocess.Popen[str]", late: threading.Event | None = None) -> None:
    """End a shell with all that it began, unless it has been waited for."""
    if late is not None:
        late.set()
    if shell.returncode is None:
        os.killpg(shell.pid, signal.SIGKILL)


def run(script: str, home: Path, **environment: str) -> str:
    """What a script printed that went well."""
    with begin(script, home, **environment) as shell:
        out, errors = shell.communicate()
    assert shell.returncode == 0, errors
    return out
