"""Training, validation and test rows: read, or drawn from the training rows by `data.seed`; recorded by digest."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any, final

from adapterhub.digest import Digest
from adapterhub.errors import WrongUsage
from adapterhub.finding import Finding
from adapterhub.train.config import DataConfig
from adapterhub.train.data.labels import label_of
from adapterhub.train.data.read import media, read
from adapterhub.train.data.table import Table

__all__ = ["Splits", "splits"]

LABEL = "label"
"""Where the labels are if the config does not say."""

NO_COLUMNS = {"train", "validation", "test", "seed", "labels", "max_length"}
"""Fields of a `DataConfig` that name no column."""

SHOWN = 3

KINDS = {"train": "training", "validation": "validation"}
"""How rows are called in a sentence."""


@final
@dataclass(frozen=True)
class Splits:
    """The rows of a run, apart."""

    train: Table
    validation: Table | None = None
    test: Table | None = None
    columns: tuple[str, ...] = ()
    """The columns by which rows are the same; all, where none is said."""

    @property
    def tables(self) -> dict[str, Table]:
        """Those that are there, by name, in this order: train, validation, test."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: table for name, table in named.items() if table is not None}

    @property
    def digests(self) -> dict[str, dict[str, Any]]:
        """For a manifest: the digest of each file and of the rows taken from it, and their count. No path."""
        return {
            name: {"file": str(table.digest), "rows": str(table.rows_digest), "count": len(table)}
            for name, table in self.tables.items()
        }

    def leaks(self) -> list[Finding]:
        """A warning where rows stand among those of another kind too, cell for cell."""
        keys = {name: self._keys(table) for name, table in self.tables.items()}
        findings = []
        for first, then in combinations(keys, 2):
            seen = set(keys[first])
            if known := [row for row, key in enumerate(keys[then]) if key in seen]:
                findings.append(_leak(first, then, self.tables[then], known))
        return findings

    def _keys(self, table: Table) -> list[Digest]:
        return [Digest.of(line) for line in table.lines(self.columns or None)]


def splits(config: DataConfig, folder: Path, wanted: Mapping[str, str] | None = None) -> Splits:
    """What the config asks for, with paths relative to `folder`.

    A share is one of the rows of `train`, whatever else is set aside; its rows are drawn by `seed` from each label
    alike, the test before the validation. At least one row of each label stays in training. `wanted` is field of the
    config -> column, as the task reads it; without it, the columns the config names.
    """
    columns = {field: column for field, column in config.model_dump(exclude=NO_COLUMNS).items() if column}
    columns = {**columns, **(wanted or {})}
    files = media(columns)
    whole = _read(folder, config.train, files)
    asked = {"test": config.test, "validation": config.validation}
    shares = {name: share for name, share in asked.items() if isinstance(share, float) and share}
    drawn = _draw(whole, shares, columns.get("label", LABEL), config.seed)
    tables = {name: whole.take(rows, f"{config.train} ({name})") for name, rows in drawn.items()}
    tables |= {name: _read(folder, word, files) for name, word in asked.items() if isinstance(word, str)}
    if drawn:
        gone = {row for rows in drawn.values() for row in rows}
        left = whole.take((row for row in range(len(whole)) if row not in gone), f"{config.train} (train)")
        _insist_on_labels(whole, left, columns.get("label", LABEL))
        whole = left
    return Splits(whole, tables.get("validation"), tables.get("test"), tuple(columns.values()))


def _read(folder: Path, word: str, files: tuple[str, ...]) -> Table:
    return read(folder / Path(word).expanduser(), word, files)


def _draw(table: Table, shares: dict[str, float], label: str, seed: int) -> dict[str, list[int]]:
    """For each share its rows, in their order; no row is in two."""
    if (total := sum(shares.values())) >= 1:
        raise WrongUsage(
            f"{table.name}: {' and '.join(f'data.{name}' for name in shares)} take {total:g} of the rows, "
            "and leave none to train on",
            hint="shares are below 1 together: `validation: 0.1`",
        )
    generator = Random(seed)
    left = [generator.sample(rows, len(rows)) for rows in _groups(table, label)]
    wanted = {name: [share * len(rows) for rows in left] for name, share in shares.items()}
    drawn = {name: sorted(_take(left, counts)) for name, counts in wanted.items()}
    for name, rows in drawn.items():
        if not rows:
            raise WrongUsage(
                f"{table.name}: a share of {shares[name]:g} of {len(table)} rows is no row (data.{name})",
                hint="take a larger share, give it a file of its own, or leave it out",
            )
    return drawn


def _insist_on_labels(table: Table, left: Table, label: str) -> None:
    """`WrongUsage` where the shares have taken all labels but one."""
    if label not in table.columns:
        return
    before, after = ({label_of(cell) for cell in rows.column(label)} for rows in (table, left))
    if len(after) == 1 < len(before):
        raise WrongUsage(
            f"{table.name}: of its {len(table)} rows with {len(before)} labels the shares leave {len(left)} "
            f"to train on, all with the label {after.pop()!r}",
            hint="give more rows, or take smaller shares (data.validation, data.test)",
        )


def _take(left: list[list[int]], counts: list[float]) -> list[int]:
    """Rows off the front of each group, all but its last; what rounding keeps from one group the next one gives."""
    taken: list[int] = []
    owed = 0.5
    for rows, count in zip(left, counts, strict=True):
        owed += count
        whole = max(0, min(int(owed), len(rows) - 1))
        owed -= whole
        taken += rows[:whole]
        del rows[:whole]
    return taken


def _groups(table: Table, label: str) -> list[list[int]]:
    """The rows of each label; one group where there are no labels, or hardly two rows of each (numbers, texts)."""
    groups: dict[str, list[int]] = defaultdict(list)
    if label in table.columns:
        for row, cell in enumerate(table.column(label)):
            groups[label_of(cell)].append(row)
    if not 0 < len(groups) <= len(table) / 2:
        return [list(range(len(table)))]
    return [groups[word] for word in sorted(groups)]


def _leak(first: str, name: str, table: Table, known: list[int]) -> Finding:
    places = "; ".join(table.place(row) for row in known[:SHOWN]) + ("; …" if len(known) > SHOWN else "")
    return Finding(
        check="leak",
        severity="warning",
        place=places,
        message=f"{len(known)} of the {len(table)} {name} rows stand in the {KINDS[first]} rows too",
        remedy="leave them out: a model is not measured on what it has seen, or was chosen by",
    )
