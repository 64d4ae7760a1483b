"""Rows with names: where each came from, and the digests by which a run records them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, final

from adapterhub.digest import Digest, copy_and_hash, new_hash

__all__ = ["Row", "Table", "file_digest"]

Row = Mapping[str, Any]
"""Column -> cell: text, a number, a list, an array, or the `Path` of a picture or a sound."""

REMEMBERED = 1 << 17
"""How many files' digests are remembered: a folder is hashed as data, as rows and when splits are compared."""


@final
@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a file or a folder, or some of them, in order."""

    name: str
    """What the person wrote, for errors."""
    digest: Digest
    """Of the file's bytes; of a folder, of the canonical list of its paths and digests. `take` keeps it."""
    columns: tuple[str, ...]
    rows: Sequence[Row]
    places: Sequence[str]
    """Where each row is, as long as `rows`."""

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, index: int) -> str:
        """Where a row is, for errors: `train.csv, line 7`, `train.parquet, row 7`, `photos/cat/1.png`."""
        return self.places[index]

    def column(self, name: str) -> list[Any]:
        """The cells of a column; a row that lacks it (JSONL) has None there."""
        return [row.get(name) for row in self.rows]

    def take(self, indices: Iterable[int], name: str | None = None) -> "Table":
        """Some of the rows under another name; their places and the file's digest stay."""
        chosen = list(indices)
        return replace(
            self,
            name=self.name if name is None else name,
            rows=[self.rows[i] for i in chosen],
            places=[self.places[i] for i in chosen],
        )

    def lines(self, columns: Sequence[str] | None = None) -> Iterator[bytes]:
        """Each row (or some columns of it) as canonical JSON: keys sorted, a file or bytes by their sha256.

        Arrays stand by dtype, shape and sha256. The same cells have the same line whatever file they came in.
        """
        for row in self.rows:
            cells = row if columns is None else {name: row.get(name) for name in columns}
            yield ENCODER.encode(cells).encode()

    @cached_property
    def rows_digest(self) -> Digest:
        """The sha256 of the rows in their order, as `lines` with a line feed after each."""
        hasher = new_hash()
        for line in self.lines():
            hasher.update(line + b"\n")
        return Digest(hasher.hexdigest())


def file_digest(path: Path) -> Digest:
    """The digest of a file's bytes, read once as long as its size and time stay."""
    state = path.stat()
    return _hashed(path, state.st_size, state.st_mtime_ns)


@lru_cache(REMEMBERED)
def _hashed(path: Path, _size: int, _time: int) -> Digest:
    with path.open("rb") as stream:
        return copy_and_hash(stream)[0]


def _plain(cell: Any) -> Any:
    """What JSON has no word for, as something it has."""
    if isinstance(cell, Path):
        return str(file_digest(cell))
    if isinstance(cell, bytes):
        return str(Digest.of(cell))
    if hasattr(cell, "dtype") and hasattr(cell, "tobytes"):
        return [cell.dtype.str, list(cell.shape), str(Digest.of(cell.tobytes()))]
    return str(cell)  # dates, times and decimals out of Parquet


ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
