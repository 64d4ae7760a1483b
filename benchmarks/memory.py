"""Memory: the most a process holds while it adds a small and a very large file."""

from pathlib import Path

from benchmarks.adapters import write_hole
from benchmarks.measure import Row, ours, peak

SMALL = 20_000_000


def measure(folder: Path, size: int) -> list[Row]:
    """Rows of the table; flat means that the second is the first."""
    small = None
    rows = []
    for count in (min(SMALL, size // 2), size):
        source = write_hole(folder / str(count), count)
        held = peak(ours("add", source, "ada/hole", "--store", folder / "store"))
        what = f"peak memory of adding {count / 1e6:,.0f} MB"
        rows.append(Row("memory", what, held, "MB", peer=small, beside="adding little", aim="150 MB"))
        small = held
    return rows
