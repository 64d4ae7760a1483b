"""Starting: `adapterhub --help` and `adapterhub show`, as whole processes, beside `hf --help`."""

import compileall
import sys
from functools import partial
from pathlib import Path

import adapterhub
from benchmarks.adapters import write_noise
from benchmarks.measure import Row, interleaved, ours, run

AIM = "half"


def measure(folder: Path, runs: int) -> list[Row]:
    """Rows of the table. Both packages are compiled, as an installation leaves them."""
    compileall.compile_dir(str(Path(adapterhub.__file__).parent), quiet=1)
    store = folder / "store"
    run(ours("add", write_noise(folder / "adapter", 1 << 20), "ada/poet", "--store", store))
    hf = Path(sys.executable).with_name("hf")
    took = interleaved(
        {
            "hf": partial(run, [hf, "--help"]),
            "--help": partial(run, ours("--help")),
            "show": partial(run, ours("show", "ada/poet", "--store", store)),
        },
        runs,
    )
    return [
        Row("start", f"adapterhub {name}", took[name], peer=took["hf"], beside="hf --help", aim="0.5")
        for name in ("--help", "show")
    ]
