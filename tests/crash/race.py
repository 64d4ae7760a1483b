"""One of several processes that all want the same thing at the same moment.

    python -m tests.crash.race ROOT SEED

It says when it is ready, and is told when to start, in seconds since 1970. At every tick from then on it publishes
content of its own as the next version of `ada/race`, and moves the alias `turn` of `ada/turn` one version on. It prints
which of both it was told it had won.
"""

import json
import os
import sys
import time
from pathlib import Path

from adapterhub.errors import Conflict
from adapterhub.hub import Hub
from tests.crash.adapters import write_adapter

TICKS, TICK = 25, 0.12


def main() -> None:
    """Take part in every race."""
    root, seed = Path(sys.argv[1]), int(sys.argv[2])
    os.fsync = lambda handle: None
    hub = Hub.open(root / "store")
    folders = [write_adapter(root / f"folders-{seed}" / str(tick), 1000 * seed + tick) for tick in range(TICKS)]
    won = []
    print("ready", flush=True)
    start = float(sys.stdin.readline())
    for tick, folder in enumerate(folders):
        time.sleep(max(0.0, start + tick * TICK - time.time()))
        won += [("race", tick)] if wins(lambda folder=folder, tick=tick: hub.add(folder, f"ada/race@v{tick}")) else []
        won += [("turn", tick)] if wins(lambda tick=tick: turn(hub, tick)) else []
    print(json.dumps(won))


def turn(hub: Hub, tick: int) -> None:
    """Let the alias mean the next version, if it means this tick's still."""
    hub.alias(f"ada/turn@v{tick + 1}", "turn", expect=f"v{tick}")


def wins(deed) -> bool:
    """Whether a deed was done, and not refused because somebody else was first."""
    try:
        deed()
    except Conflict:
        return False
    return True


if __name__ == "__main__":
    main()
