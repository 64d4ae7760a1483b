"""A client in its environment, at work for somebody against a server."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.environments import environment, program

SCRIPTS = Path(__file__).parent / "scripts"
LONGEST = 120


@dataclass(frozen=True)
class Client:
    """A client with a home of its own. `url` is what it takes for the Hub."""

    name: str
    home: Path
    url: str
    token: str = ""
    more: dict[str, str] = field(default_factory=dict)

    def __call__(self, script: str, *words: object) -> Any:
        """What a script says, which runs with the client's Python, or with node."""
        if script.endswith(".mjs"):
            return json.loads(self._run("node", str(SCRIPTS / script), *map(str, words)))
        return json.loads(self._run(str(program(self.name, "python")), str(SCRIPTS / script), *map(str, words)))

    def asked(self, script: str, answer: Callable[[], Any], *words: object) -> Any:
        """What a script says that writes a line when it wants to know something, and reads one as JSON."""
        command = [str(program(self.name, "python")), str(SCRIPTS / script), *map(str, words)]
        complaints, pipe = self.here() / "complaints", subprocess.PIPE
        how: dict[str, Any] = {"env": self.env(), "cwd": self.home, "text": True, "stdin": pipe, "stdout": pipe}
        with open(complaints, "w") as errors, subprocess.Popen(command, stderr=errors, **how) as process:
            line = process.stdout.readline()
            assert line, complaints.read_text()
            said, _ = process.communicate(json.dumps(answer()) + "\n", timeout=LONGEST)
        assert process.returncode == 0, complaints.read_text()
        return json.loads(said)

    def hf(self, *words: object) -> str:
        """What the command line says."""
        return self._run(str(program(self.name, "hf")), *map(str, words))

    def refused(self, *words: object) -> str:
        """What the command line complains of; it must not succeed."""
        done = self._start(str(program(self.name, "hf")), *map(str, words))
        assert done.returncode, done.stdout
        return done.stdout + done.stderr

    def _run(self, *words: str) -> str:
        done = self._start(*words)
        assert done.returncode == 0, f"{self.name}: {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _start(self, *words: str) -> "subprocess.CompletedProcess[str]":
        how: dict[str, Any] = {"capture_output": True, "text": True, "timeout": LONGEST}
        return subprocess.run(words, env=self.env(), cwd=self.here(), check=False, **how)

    def here(self) -> Path:
        """The home, made."""
        self.home.mkdir(parents=True, exist_ok=True)
        return self.home

    def env(self) -> dict[str, str]:
        """The variables of a person whose Hub this is."""
        foreign = ("HF_", "HUGGING", "TRANSFORMERS_", "ADAPTERHUB_", "PYTHON")
        env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        env |= {"HF_ENDPOINT": self.url, "HF_HOME": str(self.home / "hf"), "HOME": str(self.home), "NO_PROXY": "*"}
        env |= {"HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_COLOR": "1"}
        env |= {"CLIENT": str(environment(self.name)), **({"HF_TOKEN": self.token} if self.token else {}), **self.more}
        return env
