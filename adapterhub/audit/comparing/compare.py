"""Several adapters against each other: module by module, all pairs at once, and the sums over all modules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce

import torch

from adapterhub.audit.comparing.advice import advice
from adapterhub.audit.comparing.factor import directions
from adapterhub.audit.comparing.measure import Sums, measured
from adapterhub.audit.comparing.meetings import Meeting, left_out, meetings
from adapterhub.audit.comparing.pairs import pairs_of, together
from adapterhub.audit.comparison import Compared, Comparison
from adapterhub.base.fold import sentence
from adapterhub.errors import Refused
from adapterhub.finding import Finding
from adapterhub.lora.adapter import Adapter

__all__ = ["compare"]

Progress = Callable[[int, int], None]


def compare(adapters: Mapping[str, Adapter], progress: Progress | None = None) -> Comparison:
    """How alike adapters are, by the names they are to have; each update is factored once, none is ever made dense.

    `Refused` where one has no update in factors, or holds NaN or infinity.
    """
    met = list(meetings(list(adapters.values())))
    _comparable(adapters, met)
    parts = _measured(met, progress)
    total = reduce(Sums.plus, parts)
    pairs = pairs_of(list(adapters), met, parts, total)
    all_in_one = together(met, total)
    return Comparison(
        adapters=tuple(_rows(adapters, total)),
        pairs=pairs,
        together=all_in_one,
        advice=tuple(advice(pairs, all_in_one)),
        findings=tuple(_findings(adapters, met)),
    )


def _measured(met: Sequence[Meeting], progress: Progress | None) -> list[Sums]:
    """The sums of each module, in their order. Their matrices are small: modules side by side beat threads in each."""
    threads, parts = torch.get_num_threads(), list[Sums]()
    try:
        with ThreadPoolExecutor(threads, "compare", partial(torch.set_num_threads, 1)) as pool:
            for part in pool.map(_module, met):
                parts.append(part)
                if progress:
                    progress(len(parts), len(met))
    finally:
        torch.set_num_threads(threads)  # the threads of the pool have changed what new threads begin with
    return parts


def _module(meeting: Meeting) -> Sums:
    return measured(directions(meeting.deltas, meeting.shape), meeting.ranks, meeting.module)


def _comparable(adapters: Mapping[str, Adapter], met: Sequence[Meeting]) -> None:
    for name, adapter in adapters.items():
        if not adapter.deltas:
            raise Refused(
                f"{name}: it has no update in factors, only {'; '.join(left_out(adapter)) or 'nothing'}",
                hint="what stands in place of the base's values says nothing without the base: leave it out",
            )
    for meeting in met:
        for name, delta in zip(adapters, meeting.deltas, strict=True):
            if delta and not (torch.isfinite(delta.A).all() and torch.isfinite(delta.B).all()):
                raise Refused(
                    f"{name}: {meeting.module}: the factors hold NaN or infinity",
                    hint="its training diverged: take an earlier checkpoint, or leave it out",
                )


def _rows(adapters: Mapping[str, Adapter], total: Sums) -> Iterator[Compared]:
    norms = total.dot.diagonal().sqrt().tolist()
    for (name, adapter), norm in zip(adapters.items(), norms, strict=True):
        rank = max(delta.rank for delta in adapter.deltas.values())
        rest = tuple(left_out(adapter))
        yield Compared(reference=name, rank=rank, modules=len(adapter.deltas), norm=norm, left_out=rest)


def _findings(adapters: Mapping[str, Adapter], met: Sequence[Meeting]) -> Iterator[Finding]:
    names = [meeting.module for meeting in met]
    if twice := dict.fromkeys(name for name in names if names.count(name) > 1):
        yield Finding(
            check="shapes-differ",
            severity="warning",
            place=sentence(twice),
            message="the adapters change weights of different shapes there, which are compared with none of another",
            remedy="they were trained on different bases: compare those of one base",
        )
    alike: dict[str, list[str]] = {}
    for name, adapter in adapters.items():
        alike.setdefault("; ".join(left_out(adapter)), []).append(name)
    for rest, places in alike.items():
        if rest:
            yield Finding(
                check="left-out",
                severity="info",
                place=", ".join(places),
                message=f"not compared: {rest}",
                remedy="only updates in factors are: the rest stands in place of the base's values, or beside them",
            )
