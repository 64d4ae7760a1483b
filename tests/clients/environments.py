"""Clients of a Hub, each in an environment of its own, made once and kept between runs.

They lie in `.clients` at the root of the project, or where ADAPTERHUB_CLIENTS says. Versions are pinned; another pin is
another folder. `python -m tests.clients.environments` makes all of them.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from tests.house.sources import ROOT

HUBS = ("0.36.2", "1.33.0", "2.4.0")
"""huggingface_hub before, with and after httpx; the first still asks the server whether it is to use Xet."""

PINS: dict[str, tuple[str, ...]] = {
    **{f"hub-{version}": (f"huggingface_hub=={version}", "hf-xet==1.8.0") for version in HUBS},
    "peft-0.18": ("peft==0.18.1", "transformers==4.57.6", "huggingface_hub==0.36.2", "hf-xet==1.8.0"),
    "diffusers": ("diffusers==0.42.1",),
    "schemathesis": ("schemathesis==4.32.5", "hypothesis==6.170.15"),
}
NEAR = ("peft-0.18", "diffusers")
"""Those that see our own environment behind theirs: torch is large, and is not fetched again."""

NPM = {"js": Path(__file__).parent / "js"}
"""Folders with a package.json and its lock."""

ALL = (*PINS, *NPM)


def environment(name: str) -> Path:
    """The folder of a client's environment; made where it is not there, by one process at a time.

    What was not made to its end has no `whole` and is made again. The lock is held by whatever still writes, also where
    the process that began it was killed.
    """
    root = Path(os.environ.get("ADAPTERHUB_CLIENTS") or ROOT / ".clients").resolve()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{name}-{_key(name)}"
    with open(root / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            (_with_npm if name in NPM else _with_pip)(name, folder, lock.fileno())
            (folder / "whole").touch()
    return folder


def program(name: str, word: str) -> Path:
    """A program of an environment: `python`, `hf`."""
    return environment(name) / "bin" / word


def _key(name: str) -> str:
    """Eight digits that change with everything an environment is made of."""
    if name in NPM:
        made_of = [(NPM[name] / file).read_text() for file in ("package.json", "package-lock.json")]
    else:
        made_of = [*PINS[name], sys.version, sys.prefix if name in NEAR else ""]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:8]


def _with_pip(name: str, folder: Path, lock: int) -> None:
    _do([sys.executable, "-m", "venv", "--without-pip", str(folder)], lock)
    python = str(folder / "bin" / "python")
    if name in NEAR:
        places = subprocess.run([python, "-c", PLACE], check=True, capture_output=True, text=True).stdout.strip()
        Path(places, "near.pth").write_text(sysconfig.get_path("purelib") + "\n")
    _do([sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *PINS[name]], lock)


PLACE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def _with_npm(name: str, folder: Path, lock: int) -> None:
    npm = shutil.which("npm")
    assert npm, "npm is missing, which fetches the client for JavaScript: apt-get install nodejs npm"
    folder.mkdir()
    for file in ("package.json", "package-lock.json"):
        shutil.copy(NPM[name] / file, folder)
    _do([npm, "ci", "--prefix", str(folder), "--no-audit", "--no-fund"], lock)


def _do(words: Sequence[str], lock: int) -> None:
    done = subprocess.run(words, capture_output=True, text=True, pass_fds=[lock], check=False)
    assert done.returncode == 0, (
        f"{' '.join(words)}\n{done.stdout}{done.stderr}\n"
        "The tests of clients fetch these once, with pip and npm as they are configured here. Where nothing can be "
        "fetched, make them elsewhere with `python -m tests.clients.environments` and name the folder in "
        "ADAPTERHUB_CLIENTS."
    )


if __name__ == "__main__":
    for each in ALL:
        print(environment(each))
