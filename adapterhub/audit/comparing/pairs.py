"""From sums to the numbers of each pair, over all modules and in each of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from adapterhub.audit.comparing.advice import rule_of
from adapterhub.audit.comparing.factor import NOISE
from adapterhub.audit.comparing.measure import Sums, numbers
from adapterhub.audit.comparing.meetings import Meeting
from adapterhub.audit.comparison import Likeness, Pair, Together

__all__ = ["pairs_of", "together"]

DIGITS = 6

Likenesses = Mapping[tuple[int, int], dict[str, Likeness]]


def pairs_of(names: Sequence[str], met: Sequence[Meeting], parts: Sequence[Sums], total: Sums) -> tuple[Pair, ...]:
    """Every pair with its advice. met, parts: the modules in the same order"""
    plain = _pairs(names, total, _modules(met, parts), _clashing(met))
    return tuple(pair.model_copy(update={"advice": rule_of(pair)}) for pair in plain)


def together(met: Sequence[Meeting], total: Sums) -> Together:
    """What one adapter out of all of them would lose."""
    ranks = torch.stack([meeting.ranks for meeting in met])
    error = _errors(total.all_wanted, total.all_missed, total.dot.diagonal().sum())
    lost = None if _clashing(met).any() else _rounded(float(error))
    return Together(sum_rank=int(ranks.sum(1).max()), rank=int(ranks.max()), svd_error=lost)


def _pairs(names: Sequence[str], total: Sums, modules: Likenesses, clashing: Tensor) -> Iterator[Pair]:
    said = numbers(total)
    cosine, *others = (column.tolist() for column in said)
    squares = total.dot.diagonal()
    lost = _errors(total.wanted, total.missed, squares[:, None] + squares).masked_fill(clashing > 0, torch.nan)
    norms = squares.sqrt().tolist()
    for a, b in combinations(range(len(names)), 2):
        found = {name: _rounded(column[a][b]) or 0.0 for name, column in zip(said._fields[1:], others, strict=True)}
        yield Pair.model_validate(
            {
                "a": names[a],
                "b": names[b],
                "cosine": _rounded(cosine[a][b]),
                **found,
                "ratio": norms[b] / norms[a] if norms[a] else None,
                "common": len(modules.get((a, b), {})),
                "clashing": int(clashing[a, b]),
                "svd_error": _rounded(float(lost[a, b])),
                "modules": modules.get((a, b), {}),
            }
        )


def _modules(met: Sequence[Meeting], parts: Sequence[Sums]) -> Likenesses:
    """What each pair is like in the modules both change."""
    found: dict[tuple[int, int], dict[str, Likeness]] = {}
    for meeting, sums in zip(met, parts, strict=True):
        said = numbers(sums)
        wanted = (said.cosine, said.overlap, said.sign_conflict, said.sign_conflict_error)
        columns = [(column.nan_to_num() * 10**DIGITS).round().div(10**DIGITS).tolist() for column in wanted]
        for a, b in torch.triu(sums.least, 1).nonzero().tolist():
            cosine, overlap, conflict, error = (column[a][b] for column in columns)
            found.setdefault((a, b), {})[meeting.module] = Likeness(
                cosine=cosine, overlap=overlap, sign_conflict=conflict, sign_conflict_error=error
            )
    return found


def _clashing(met: Sequence[Meeting]) -> Tensor:
    """In how many modules two adapters change weights of different shapes: (n, n)"""
    shapes: dict[str, list[Tensor]] = {}
    for meeting in met:
        shapes.setdefault(meeting.module, []).append(meeting.ranks > 0)
    count = len(met[0].deltas)
    clashes = torch.zeros(count, count, dtype=torch.int64)
    for there in shapes.values():
        for one, other in combinations(there, 2):
            clashes += one[:, None] & other | other[:, None] & one
    return clashes


def _errors(wanted: Tensor, missed: Tensor, parts: Tensor) -> Tensor:
    """‖wanted − got‖ / ‖wanted‖; NaN where parts of this ‖·‖² together cancel to what is only rounding."""
    return torch.where(wanted > NOISE**2 * parts, (missed / wanted).sqrt(), torch.nan)


def _rounded(number: float) -> float | None:
    return None if math.isnan(number) else round(number, DIGITS)
