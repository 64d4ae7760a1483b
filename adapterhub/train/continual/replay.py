"""Replay: some rows of every task travel with the adapter, and are learned again beside those of the next.

    replay.jsonl := a line for each row: {"row": {field: cell}, "task": its number, from 0}
    field        := what the config's `data` calls a column: text, label, image, …

Experience replay, Rolnick et al. 2019, https://arxiv.org/abs/1811.11682. Which rows are kept hangs on the seed and the
rows alone: each has a place in an order by hash, so no library's random numbers have a say. Rows are somebody's data:
an entry that keeps some gives them to everyone who can read it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any, final

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.errors import Corrupt, DoesNotFit, WrongUsage
from adapterhub.formats.continued import REPLAY
from adapterhub.train.continual import cells
from adapterhub.train.data.table import Table

__all__ = ["FILE", "Sample", "keep", "mix", "read", "write"]

FILE = REPLAY
"""What the file of an entry is called that holds the rows."""

LABEL, FILES = "label", ("image", "audio")
"""Fields of the config's `data` that are looked at."""


@final
@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of tasks that were learned, the first task first."""

    tasks: tuple[Table, ...] = ()
    """At least one row of each."""

    def __len__(self) -> int:
        return sum(map(len, self.tasks))


def keep(
    train: Table, count: int, columns: Mapping[str, str], *, seed: int = 0, earlier: Sample | None = None
) -> Sample:
    """`count` rows of all tasks so far, as many of each as it goes, and of each label in proportion.

    train: the rows of the task that was learned now, without what was replayed. columns: field of the config's `data`
    -> column, as the task reads it; nothing else is kept. earlier: what was kept before.
    """
    new = _renamed(train, [(column, field) for field, column in columns.items()])
    tables = [*(earlier.tasks if earlier else ()), new]
    shares = _even(count, [len(table) for table in tables])
    chosen = [sorted(_stratified(*both, seed)) for both in zip(tables, shares, strict=True)]
    kept = [table.take(rows) for table, rows in zip(tables, chosen, strict=True) if rows]
    return Sample(tuple(replace(table, name=f"task {number}") for number, table in enumerate(kept)))


def mix(train: Table, sample: Sample, share: float, columns: Mapping[str, str], *, seed: int = 0) -> Table:
    """The rows of a task and behind them `share` times as many of earlier tasks, as many of each as it goes.

    Where fewer were kept, each is there several times. columns: as `keep` takes them, of this task, whose columns may
    have other names than those of earlier ones.
    """
    wanted = round(share * len(train)) if share else 0
    if wanted and not len(sample):
        raise WrongUsage(
            "continual.replay: the earlier version kept no rows",
            hint="train it with continual.sample, or leave continual.replay out",
        )
    for table in sample.tasks:
        if missing := [field for field in columns if field not in table.columns]:
            raise DoesNotFit(
                f"continual.replay: {table.name} has no {missing[0]} (data.{missing[0]}); it has "
                f"{', '.join(table.columns)}",
                hint="only tasks of the same kind can be learned together: leave continual.replay out",
            )
    counts = _even(wanted, [wanted] * len(sample.tasks))
    again = [
        _renamed(table, columns.items()).take(islice(cycle(_order(len(table), seed, "mix", number)), count))
        for number, (table, count) in enumerate(zip(sample.tasks, counts, strict=True))
    ]
    return replace(
        train,
        rows=[row for table in (train, *again) for row in table.rows],
        places=[place for table in (train, *again) for place in table.places],
    )


def write(sample: Sample) -> bytes:
    """The file: the same rows, the same bytes."""
    rows = ((number, row) for number, table in enumerate(sample.tasks) for row in table.rows)
    return b"".join(cells.write({"row": dict(row), "task": number}) + b"\n" for number, row in rows)


def read(data: bytes, folder: Path, what: str = FILE) -> Sample:
    """The sample as it was written; pictures and sounds are unpacked into `folder`. `Corrupt` for anything else."""
    found: list[list[tuple[str, Mapping[str, Any]]]] = []
    for line, text in enumerate(data.splitlines(), 1):
        place = f"{what}, line {line}"
        held = cells.read(text, folder, place)
        number, row = (held.get("task"), held.get("row")) if isinstance(held, dict) else (None, None)
        if not isinstance(row, dict) or number not in (len(found) - 1, len(found)) or number < 0:
            raise Corrupt(
                f"{place}: wanted a row and the number of its task, {max(len(found) - 1, 0)} or the next, "
                f"got {text[:80]!r}",
                hint="the file is damaged: `adapterhub check` tells",
            )
        found += [[]] if number == len(found) else []
        found[-1].append((place, row))
    digest = Digest.of(data)
    return Sample(tuple(_table(f"task {number}", digest, rows) for number, rows in enumerate(found)))


def _table(name: str, digest: Digest, found: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    columns = dict.fromkeys(column for _, row in found for column in row)
    return Table(name, digest, tuple(columns), [row for _, row in found], [place for place, _ in found])


def _renamed(table: Table, names: Iterable[tuple[str, str]]) -> Table:
    """Some columns of a table under new names; a path that stands there as text becomes the file it means."""
    pairs = list(names)

    def cell(name: str, value: Any) -> Any:
        return Path(value) if name in FILES and isinstance(value, str) else value

    rows = [{new: cell(new, row[old]) for old, new in pairs if old in row} for row in table.rows]
    return replace(table, columns=tuple(new for _, new in pairs), rows=rows)


def _even(count: int, sizes: Sequence[int]) -> list[int]:
    """`count` in shares as even as the sizes allow; what is left over goes to the first of the larger ones."""
    shares, left = [0] * len(sizes), count
    for rank, place in enumerate(sorted(range(len(sizes)), key=lambda place: (sizes[place], -place))):
        shares[place] = min(sizes[place], left // (len(sizes) - rank))
        left -= shares[place]
    return shares


def _stratified(table: Table, count: int, seed: int) -> list[int]:
    """Rows of each label in proportion: spread evenly over the rows sorted by label, and by hash within one."""
    labels = [str(cell) for cell in table.column(LABEL)]
    order = sorted(_order(len(table), seed, "keep"), key=lambda row: labels[row])
    return [order[(2 * n + 1) * len(order) // (2 * count)] for n in range(count)] if count else []


def _order(count: int, seed: int, *what: int | str) -> list[int]:
    """0 … count-1 in the order of their hashes."""
    return sorted(range(count), key=lambda row: Digest.of(canonical([seed, *what, row])).hex)
