"""An upload whose process dies at every step, one after the other: `python -m tests.server.ingest.dying FOLDER`.

After each death the store is intact, and the same upload in a new process succeeds. Prints how many died.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.hub import Hub
from adapterhub.protocols.xet.shard import SMALLEST
from adapterhub.store.depots import SHORTEST
from tests.crash.steps import Steps, watched
from tests.protocols.xet.making import named
from tests.server.ingest.sending import ingest_at, send_shard, send_xorb, shard_of, xorb_of

LINES = (b"shall I compare thee".ljust(SMALLEST), b"to a summer's day")
NAMES = tuple(map(named, "ab"))


def upload(root: Path) -> None:
    """Two xorbs, and a shard that makes a file of both."""
    ingest = ingest_at(root)
    depot = ingest.begin()
    for name, line in zip(NAMES, LINES, strict=True):
        send_xorb(ingest, depot, name, xorb_of([line]))
    terms = [(name, len(line), 0, 1) for name, line in zip(NAMES, LINES, strict=True)]
    send_shard(ingest, depot, shard_of(b"".join(LINES), *terms))


def dies(root: Path, last: int) -> bool:
    """Whether a process that uploads comes to step `last`, where it is killed."""
    if (child := os.fork()) == 0:
        with watched(Steps(last)):
            upload(root)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


def tidy(root: Path) -> None:
    """When it was long ago, a sweep leaves nothing of it."""
    long_ago = time.time() - SHORTEST - 60
    for path in root.rglob("*"):
        os.utime(path, (long_ago, long_ago))
    hub = Hub.open(root)
    hub.sweep(0)
    assert list((root / "incoming" / "xet").iterdir()) == []
    assert [path for path in root.rglob("*") if path.suffix in (".tmp", ".ready", ".lease", ".xorb")] == []
    assert (hub.check().ok, hub.check().blobs) == (True, 0)


def main(root: Path) -> None:
    """Every round in a new store."""
    digest, last = Digest.of(b"".join(LINES)), 1
    while dies(root, last):
        hub = Hub.open(root)
        assert hub.check().ok, f"killed at step {last}: {hub.check().damage}"
        assert not dies(root, last=0)  # whose lease ends with it
        path = root / "blobs" / "sha256" / digest.hex[:2] / digest.hex
        assert Digest.of(path.read_bytes()) == digest
        tidy(root)
        shutil.rmtree(root)
        last += 1
    print(last - 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
