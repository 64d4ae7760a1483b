"""Of several processes that want the same thing at once, exactly one gets it."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from adapterhub.hub import Hub
from tests.crash.adapters import write_adapter
from tests.crash.invariants import holds, opens
from tests.crash.race import TICKS

pytestmark = pytest.mark.slow

RUNNERS = 4


@pytest.fixture(scope="module")
def finish(tmp_path_factory):
    """The store after the races, and who said he won what."""
    root = tmp_path_factory.mktemp("race")
    hub = Hub.open(root / "store")
    folder = write_adapter(root / "turn", 7)
    for tick in range(TICKS + 1):
        hub.add(folder, f"ada/turn@v{tick}")
    hub.alias("ada/turn@v0", "turn")
    words = [sys.executable, "-m", "tests.crash.race", str(root)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    runners = [subprocess.Popen([*words, str(seed)], cwd=Path(__file__).parents[2], **pipes) for seed in range(RUNNERS)]
    assert [runner.stdout.readline() for runner in runners] == ["ready\n"] * RUNNERS
    start = time.time() + 0.2
    for runner in runners:
        runner.stdin.write(f"{start}\n")
        runner.stdin.flush()
    said = [json.loads(runner.communicate(timeout=120)[0]) for runner in runners]
    return root / "store", Counter(tuple(won) for mine in said for won in mine), sum(map(bool, said))


def test_two_writers_of_one_version_have_exactly_one_winner(finish):
    store, won, _ = finish
    assert {tick: won["race", tick] for tick in range(TICKS)} == dict.fromkeys(range(TICKS), 1)
    holds(store, {})
    opens(store)


def test_an_alias_moves_once_for_every_mover_who_is_told_so(finish):
    store, won, _ = finish
    moved = sum(count for (what, _), count in won.items() if what == "turn")
    assert max(count for (what, _), count in won.items() if what == "turn") == 1
    assert Hub.open(store).show("ada/turn@turn").reference == f"ada/turn@v{moved}"


def test_more_than_one_runner_won_something(finish):
    assert finish[2] > 1
