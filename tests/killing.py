"""Let a process do something, and kill it if it is not done in time."""

import time

LONGEST = 120


def run(fork, work, words, seconds=LONGEST):
    """One process of `work(*words, begun)`, killed so long after it says `begun`: its exit code, and what it took."""
    begun = fork.Event()
    child = fork.Process(target=work, args=(*words, begun))
    child.start()
    assert begun.wait(LONGEST)
    since = time.monotonic()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
    return child.exitcode, time.monotonic() - since
