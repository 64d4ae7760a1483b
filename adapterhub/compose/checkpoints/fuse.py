"""Adapters fused into the base's weights: a plain checkpoint that needs no adapters any more.

    W' = round(W + Σ wᵢ·sᵢ·Bᵢ·Aᵢ)        in fp32 (fp64 for what is stored so), by one GEMM, rounded once

The base's files are written again one by one, byte for byte but for the matrices that change. Whoever is stopped goes
on where the last finished file ends, and the same bytes come out.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

from adapterhub.base.fold import sentence
from adapterhub.compose.checkpoints.added import index_of, renamed, shard_of
from adapterhub.compose.checkpoints.fuse_plan import FusePlan, plan_fuse
from adapterhub.compose.checkpoints.partial import Partial, begin
from adapterhub.compose.checkpoints.stream import Stream
from adapterhub.compose.checkpoints.targets import Part
from adapterhub.errors import AdapterHubError, Conflict, WrongUsage

__all__ = ["Fused", "fuse"]

Progress = Callable[[int, int], None]
Write = Callable[[Path], None]


@final
@dataclass(frozen=True)
class Fused:
    """What was written: tensors changed or new, how many are as they were, bytes in all; what a person should know."""

    folder: Path
    touched: tuple[str, ...]
    copied: int
    bytes: int
    notes: tuple[str, ...]


def fuse(
    parts: Sequence[Part],
    base: Path,
    folder: Path,
    *,
    recipe: Mapping[str, Any],
    choose: str | None = None,
    tied: bool = False,
    new_tensors: bool = False,
    partial: bool = False,
    progress: Progress | None = None,
) -> Fused:
    """Write the base with these adapters in its weights to `folder`, which does not exist yet or is empty.

    recipe: digests of the adapters and their weights, by which an interrupted run knows itself again. choose: whose
    whole tensors and trained tokens are used where several adapters have some. tied: change an embedding although the
    output layer shares its weight. new_tensors: append whole tensors that the base has no place for, such as a new
    head. partial: leave out the modules the base has no weight for. progress hears (bytes done, bytes in all).
    Whatever is wrong with the adapters is said before anything is written, all at once.
    """
    base, folder = base.resolve(), folder.resolve()
    if base == folder or base in folder.parents:
        raise WrongUsage(f"{folder} lies in the base's folder", hint="write to a folder outside of it")
    plan = plan_fuse(parts, base, recipe=recipe, choose=choose, tied=tied, new_tensors=new_tensors, partial=partial)
    with begin(folder, plan.digest) as room:
        size = _write(plan, room, progress or _silent)
    copied = len(set(plan.base.places) - set(plan.touched))
    return Fused(folder, plan.touched, copied, size, plan.notes)


def _silent(done: int, total: int) -> None:
    """Nobody listens."""


def _write(plan: FusePlan, room: Partial, progress: Progress) -> int:
    """All files, then the folder in its place; how many bytes they are."""
    done, base = 0, plan.base

    def told(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    with Stream(told) as stream:
        files = _files(plan, stream, told)
        total = sum(size for size, _ in files.values())
        left = {} if room.done else {name: file for name, file in files.items() if not room.has(name)}
        told(total - sum(size for size, _ in left.values()))
        if left:
            room.check_space(sum(size for size, _ in left.values()))
        try:
            for name, (_, write) in left.items():
                room.make(name, write)
            if left and (changed := base.changed()):
                raise Conflict(
                    f"{base.folder}: {sentence(changed)} changed while it was read", hint="fuse again when it is done"
                )
        except AdapterHubError:
            room.drop()  # what is wrong now stays wrong: there is nothing to go on with
            raise
    room.finish()
    return total


def _files(plan: FusePlan, stream: Stream, told: Callable[[int], None]) -> dict[str, tuple[int, Write]]:
    """Every file of the result, its size and what writes it; the weights last, the small ones first."""
    base, added = plan.base, plan.targets.added
    files: dict[str, tuple[int, Write]] = {}
    for name in base.beside if added or not base.index else (*base.beside, base.index):
        source = base.folder / name
        files[name] = source.stat().st_size, partial(_copy, source, told)
    names = renamed(base) if added else {shard: shard for shard in base.shards}
    if added:
        for name, data in (index_of(base, added), (names[""], shard_of(added))):
            files[name] = len(data), partial(_put, data, told)
    for shard in base.shards:
        source = base.folder / shard
        files[names[shard]] = source.stat().st_size, partial(stream.rewrite, source, plan.patches(shard))
    return files


def _copy(source: Path, told: Callable[[int], None], target: Path) -> None:
    shutil.copyfile(source, target)
    _sync(target)
    told(target.stat().st_size)


def _put(data: bytes, told: Callable[[int], None], target: Path) -> None:
    target.write_bytes(data)
    _sync(target)
    told(len(data))


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
