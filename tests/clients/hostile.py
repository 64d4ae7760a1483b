"""Random requests against a server, by those who may not do what they try; afterwards all must be as it was.

    python -m tests.clients.hostile --requests 10000

Nobody, who reads in a namespace of his own, who writes there and who administers it: each sends so many.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.besieged import besieged
from tests.clients.driving import SCRIPTS
from tests.clients.environments import program
from tests.server.running import Running

WHO = ("nobody", "read", "write", "admin")


@dataclass(frozen=True)
class Standing:
    """What must be the same before and after: ada's versions with their digests and aliases, and what all may see."""

    versions: frozenset[tuple[str, str, tuple[str, ...]]]
    public: frozenset[str]

    @classmethod
    def of(cls, server: Running) -> "Standing":
        """What stands now."""
        lines = [line for line in server.hub.list() if line.reference.startswith("ada/")]
        told = server.ask("GET", "/api/models?author=ada&limit=100", token=None).json()
        versions = frozenset((line.reference, str(line.digest), tuple(line.aliases)) for line in lines)
        return cls(versions, frozenset(model["id"] for model in told))


def attack(server: Running, told: dict[str, Any], who: str, requests: int, seed: int = 0) -> dict[str, Any]:
    """What came of so many requests by somebody; `faults` has what should not be, and is empty where all is well."""
    before, lines = Standing.of(server), len(server.lines())
    token = "" if who == "nobody" else server.new_token(f"{who}{time.monotonic_ns()}", who, "eve")
    asked = json.dumps({"url": server.url, "token": token, "requests": requests, "seed": seed, **told})
    words = [str(program("schemathesis", "python")), str(SCRIPTS / "random_requests.py")]
    done = subprocess.run(words, input=asked, capture_output=True, text=True, check=False, cwd=server.home.parent)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    log = server.lines()[lines:]
    found["faults"] += [f"log: {line}" for line in log if "fault" in line or line.get("level") == "error"]
    found["faults"] += [f"a token in the log: {line}" for line in log if token and token in json.dumps(line)]
    if before != (after := Standing.of(server)):
        found["faults"].append(f"not as it was: {before} -> {after}")
    if not (report := server.hub.check()).ok:
        found["faults"].append(f"check: {report}")
    return found


def told_of(who: str, found: dict[str, Any], seconds: float) -> str:
    """What a person reads of an attack."""
    totals: Counter[str] = Counter()
    for counts in found["statuses"].values():
        totals.update(counts)
    good = {name for name, counts in found["statuses"].items() if any(status[0] in "23" for status in counts)}
    lines = [f"{who}: {found['requests']} requests in {seconds:.0f} s, {dict(sorted(totals.items()))}"]
    lines.append(f"  never answered with 2xx or 3xx: {', '.join(sorted(set(found['statuses']) - good))}")
    return "\n".join([*lines, *(f"  FAULT {fault}" for fault in found["faults"])])


def main() -> int:
    """Attack, and say what came of it; 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="by each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--who", choices=WHO, action="append", help="one of them alone")
    words, faults = parser.parse_args(), 0
    with tempfile.TemporaryDirectory() as folder, besieged(Path(folder)) as (server, told):
        for who in words.who or WHO:
            begun = time.monotonic()
            found = attack(server, told, who, words.requests, words.seed)
            print(told_of(who, found, time.monotonic() - begun), flush=True)
            faults += len(found["faults"])
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
