"""The allocator of a server gives large blocks back, unless somebody has said how he wants it."""

import os
import subprocess
import sys

import pytest

GROWING = """
import threading
from adapterhub.server.memory import LARGE, give_back

def private():
    return sum(int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("Private"))

def work():
    for size in range(LARGE, 32 * LARGE, LARGE):
        block = bytearray(size)
        small.append(bytes(200))  # above the block, so that it is no end of a heap which glibc would give back anyhow
        del block

bound, before, small = BIND and give_back(), private(), []
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(bound, private() - before)
"""


def grown(bind: bool, **more: str) -> tuple[bool, int]:
    """Whether the allocator of a fresh process was bound, and by how many kB it had grown when all was freed."""
    mine = {name: text for name, text in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    words = [sys.executable, "-c", GROWING.replace("BIND", str(bind))]
    done = subprocess.run(words, env=mine | more, capture_output=True, text=True, check=True)
    said, kilobytes = done.stdout.split()
    return said == "True", int(kilobytes)


def test_large_blocks_are_the_systems_again_when_they_are_freed():
    (bound, mine), (_, usual) = grown(True), grown(False)
    assert bound
    assert mine < 4096
    assert usual > 4 * mine  # else this shows nothing


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_who_has_bound_the_allocator_himself_is_left_alone(name):
    assert grown(True, **{name: {"MALLOC_ARENA_MAX": "4"}.get(name, "glibc.malloc.arena_max=4")})[0] is False
