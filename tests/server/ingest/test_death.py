"""An upload that dies leaves a store that is intact, and can be made again."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.house.sources import ROOT

FEWEST = 40


def test_an_upload_killed_at_any_step_leaves_the_store_intact_and_succeeds_again(record_property) -> None:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        words = [sys.executable, "-m", "tests.server.ingest.dying", f"{folder}/store"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= FEWEST
    record_property("kills", int(done.stdout))
