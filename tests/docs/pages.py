"""The blocks of a page, and a shell that types them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.house.sources import ROOT

BIN = Path(sys.executable).parent
"""Where the commands lie that were installed beside this Python."""


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


def begin(script: str, home: Path, **environment: str) -> "subprocess.Popen[str]":
    """A shell at work in `home`, as a person there has it: a login, a PATH, and none of our settings."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADAPTERHUB_", "HF_", "XDG_"))}
    own = {"HOME": str(home), "ADAPTERHUB_HOME": str(home / "store"), "PATH": f"{BIN}{os.pathsep}{kept['PATH']}"}
    return subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env={**kept, **own, **environment},
        start_new_session=True,
    )


def run(script: str, home: Path, **environment: str) -> str:
    """What a script printed that went well."""
    with begin(script, home, **environment) as shell:
        out, errors = shell.communicate()
    assert shell.returncode == 0, errors
    return out
