"""A process that has imported everything and forks one child for every round, so that a round costs milliseconds.

It reads lines of JSON, {"deed", "root", "last"}, and answers each with {"killed", "error", "steps"}.
"""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from adapterhub.formats import peft
from adapterhub.hub import Hub
from adapterhub.verbs import add, keep, pull, push
from tests.crash.deeds import DEEDS, Scene
from tests.crash.steps import Steps, watched

WARM = (peft, Hub, add, keep, pull, push)


def main() -> None:
    """Serve rounds until nobody asks any more."""
    gc.freeze()  # a child that collects no garbage of its parent's copies fewer pages
    for line in sys.stdin:
        print(json.dumps(round_of(**json.loads(line))), flush=True)


def round_of(deed: str, root: str, last: int) -> dict[str, Any]:
    """Let a child do a deed and die at step `last`, or finish when there are fewer."""
    ours, its = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        act(deed, root, last, its)
        os._exit(0)
    os.close(its)
    with os.fdopen(ours) as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    return {"killed": os.WIFSIGNALED(status), **(json.loads(said) if said else {"error": "", "steps": 0})}


def act(deed: str, root: str, last: int, answer: int) -> None:
    """What the child does."""
    error = ""
    try:
        with watched(Steps(last)) as steps:
            DEEDS[deed].act(Scene(Path(root)))
    except Exception as fault:
        error = f"{type(fault).__name__}: {fault}"
    os.write(answer, json.dumps({"error": error, "steps": steps.count}).encode())


if __name__ == "__main__":
    main()
