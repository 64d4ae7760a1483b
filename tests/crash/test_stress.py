"""Many processes at once on one store and one remote: none loses what another published."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from adapterhub.hub import Hub
from tests.crash.invariants import holds, is_tidy, read
from tests.crash.worker import set_table

pytestmark = pytest.mark.slow

WORKERS, ROUNDS, SEED = 5, 300, 20


def run_all(root: Path) -> list[dict]:
    """Let the workers work, and gather what they tell."""
    words = [sys.executable, "-m", "tests.crash.worker", str(root)]
    there = Path(__file__).parents[2]
    workers = [subprocess.Popen([*words, str(SEED + at), str(ROUNDS)], cwd=there) for at in range(WORKERS)]
    assert [worker.wait(300) for worker in workers] == [0] * WORKERS
    return [json.loads(line) for path in sorted(root.glob("told-*")) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory):
    root = tmp_path_factory.mktemp("stress")
    set_table(root)
    return root, run_all(root)


def test_nothing_happens_that_the_rules_do_not_allow(aftermath):
    _, told = aftermath
    assert [said["fault"] for said in told if "fault" in said] == []


def test_every_kind_of_deed_was_done_and_was_refused_to_somebody(aftermath):
    _, told = aftermath
    counts = Counter(key for said in told for key in said)
    assert counts["done"] > 100
    assert counts["gone"] > 20
    assert counts["refused"] > 20


@pytest.mark.parametrize("where", ["store", "remote"])
def test_what_was_published_and_never_removed_is_there_byte_for_byte(aftermath, where):
    root, told = aftermath
    gone = {said["reference"] for said in told if said.get("gone") == where}
    promised = [said for said in told if said.get("done") == where and said["reference"] not in gone]
    holds(root / where, {said["reference"]: said["digest"] for said in promised})


@pytest.mark.parametrize("where", ["store", "remote"])
def test_a_version_never_named_two_things_even_when_it_was_removed_between(aftermath, where):
    root, told = aftermath
    named: dict[str, set[str]] = {}
    for said in told:
        if said.get("done") == where:
            named.setdefault(said["reference"], set()).add(said["digest"])
    assert {reference: digests for reference, digests in named.items() if len(digests) > 1} == {}
    assert all(read(root / where).get(reference, *digests) in digests for reference, digests in named.items())


@pytest.mark.parametrize("where", ["store", "remote"])
def test_afterwards_a_sweep_leaves_nothing_behind_and_search_agrees_with_list(aftermath, where):
    root, _ = aftermath
    is_tidy(root / where)
    assert Hub.open(root / where).check().ok
