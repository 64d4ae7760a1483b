"""How long a person waits for `--help` and `show`: whole processes beside `hf --help`."""

import sys
from pathlib import Path

from benchmarks.adapters import write_adapter
from benchmarks.process import ADAPTERHUB, run, seconds
from benchmarks.row import Row, interleaved

__all__ = ["measure"]

AIM = 0.5


def measure(folder: Path, *, runs: int) -> list[Row]:
    home, hf = folder / "home", Path(sys.executable).with_name("hf")
    run([*ADAPTERHUB, "add", write_adapter(folder / "adapter"), "ada/poet"], home)
    took = interleaved(
        runs,
        {
            "hf": lambda: seconds([hf, "--help"], home),
            "help": lambda: seconds([*ADAPTERHUB, "--help"], home),
            "show": lambda: seconds([*ADAPTERHUB, "show", "ada/poet"], home),
        },
    )
    beside = "`hf --help`"
    return [
        Row("`adapterhub --help`, whole process", took["help"], "s", took["hf"], beside, AIM),
        Row("`adapterhub show REF`, whole process", took["show"], "s", took["hf"], beside, AIM),
    ]
