"""How much of each adapter: the same for all rows of a batch, or a mixture for each row."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor

from adapterhub.errors import NotFound, WrongUsage

__all__ = ["Mixture", "checked", "known"]


@final
@dataclass(frozen=True, eq=False)
class Mixture:
    """Weights by name; with `rows` one mapping for each row. What is not named is off.

    `choose` was named for what cannot be blended; `whole` is the adapter whose whole tensors that makes it, and
    `without` are modules where tokens of others are not used, because that one has all of them.
    """

    names: tuple[str, ...]
    rows: tuple[Mapping[str, float], ...]
    routed: bool = False
    choose: str | None = None
    whole: str | None = None
    without: frozenset[str] = frozenset()

    @property
    def batch(self) -> int | None:
        """The number of rows it is for, or None where it is for any batch."""
        return len(self.rows) if self.routed else None

    @cached_property
    def active(self) -> frozenset[str]:
        """Who is on in at least one row."""
        return frozenset(name for row in self.rows for name, weight in row.items() if weight != 0.0)

    def of(self, names: Iterable[str]) -> Tensor:
        """The weights of some adapters, (n,) or (batch, n), in float64."""
        columns = [self._columns[name] for name in names]
        return self._table[:, columns] if self.routed else self._table[0, columns]

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {name: n for n, name in enumerate(self.names)}

    @cached_property
    def _table(self) -> Tensor:
        with torch.inference_mode(False):
            return torch.tensor(
                [[float(row.get(name, 0.0)) for name in self.names] for row in self.rows], dtype=torch.float64
            ).view(len(self.rows), len(self.names))


def checked(names: Sequence[str], rows: object, *, routed: bool = False, choose: str | None = None) -> Mixture:
    """The mixture; `NotFound` where a name is not among those there are, `WrongUsage` where a weight is no number."""
    if isinstance(rows, Mapping | str) or not isinstance(rows, Iterable):
        raise WrongUsage(
            f"rows are {_told(rows)}", hint='give a list of mappings, one for each row: [{"ada/sql": 1.0}]'
        )
    row_list = [_row(names, row) for row in rows]
    known(names, [] if choose is None else [choose])
    return Mixture(tuple(names), tuple(row_list), routed, choose)


def known(names: Sequence[str], asked: Sequence[object]) -> None:
    """`NotFound` where somebody asks for what is not in the stack."""
    if unknown := dict.fromkeys(str(name) for name in asked if name not in names):
        raise NotFound(f"{', '.join(unknown)}: not in this stack", hint=f"it holds {', '.join(names) or 'nothing'}")


def _row(names: Sequence[str], row: object) -> dict[str, float]:
    if not isinstance(row, Mapping):
        raise WrongUsage(f"weights are {_told(row)}", hint='give a mapping of names to numbers: {"ada/sql": 1.0}')
    known(names, list(row))
    return {name: _number(name, weight) for name, weight in row.items()}


def _number(name: str, weight: Any) -> float:
    try:
        number = math.nan if isinstance(weight, str) else float(weight)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        number = math.nan
    if not math.isfinite(number):
        raise WrongUsage(f"the weight of {name} is {_told(weight)}", hint="a weight is a finite number")
    return number


def _told(value: object) -> str:
    """What was given, no longer than a line.

    >>> _told("0.5"), _told(float("nan"))
    ("'0.5'", 'nan')
    """
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
