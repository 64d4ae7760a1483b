"""One file of weights written anew: what lies between the changed matrices is copied as bytes, they go block by block.

A block is read, changed and written by one thread, and several are under way at once. Each has its place in the file,
the same as in the base's, so none waits for another; memory is a buffer for each thread, whatever the model's size.
Numbers are computed by one thread each, so they do not hang on how many there are.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Self, final

import torch
from torch import Tensor

from adapterhub.compose.checkpoints.flush import Flush
from adapterhub.compose.checkpoints.patch import Patch, Step
from adapterhub.errors import Corrupt, Refused

__all__ = ["Stream", "copy_bytes"]

THREADS = 8
GAP = 16 << 20


@final
class Stream:
    """Writes files one after another. `told` hears how many more bytes are written."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self._count = min(THREADS, os.cpu_count() or 1)
        self._threads = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self._count, "fuse", partial(torch.set_num_threads, 1))
        self._buffers: SimpleQueue[bytearray] = SimpleQueue()
        for _ in range(self._count):
            self._buffers.put(bytearray())
        self._running: deque[Future[int]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._threads)  # the threads of the pool have changed what new threads begin with

    def rewrite(self, source: Path, patches: Sequence[Patch], target: Path) -> None:
        """`target` as `source` with these patches, which come in the order of their places; synced."""
        with source.open("rb") as old, target.open("xb") as new, Flush(new.fileno()) as self._flush:
            size = os.fstat(old.fileno()).st_size
            os.truncate(new.fileno(), size)
            try:
                at = self._patch(old.fileno(), new.fileno(), patches)
                self._copy(old.fileno(), new.fileno(), at, size)
                self._settle(0)
            finally:
                wait(self._running)  # the number of a closed file may soon be that of another
                self._running.clear()
            self._flush.end()

    def _patch(self, source: int, target: int, patches: Sequence[Patch]) -> int:
        """Everything up to the end of the last patch, and where that is."""
        at = 0
        steps = [self._pool.submit(self._step, source, patch) for patch in patches[:1]]
        try:
            for patch, after in zip(patches, [*patches[1:], None], strict=False):
                self._copy(source, target, at, patch.start)
                step, at = steps.pop().result(), patch.end
                if after is not None:
                    steps.append(self._pool.submit(self._step, source, after))
                for first, last in patch.blocks():
                    self._submit(self._block, (source, target), patch, step, first, last)
        finally:
            wait(steps)
        return at

    def _copy(self, source: int, target: int, start: int, end: int) -> None:
        for at in range(start, end, GAP):
            self._submit(copy_bytes, source, target, at, min(GAP, end - at))

    def _submit(self, work: Callable[..., int], *arguments: object) -> None:
        self._running.append(self._pool.submit(work, *arguments))
        self._settle(2 * self._count)

    def _settle(self, left: int) -> None:
        """Wait until no more than so many writes are under way."""
        while len(self._running) > left:
            count = self._running.popleft().result()
            self._told(count)
            self._flush.wrote(count)

    @torch.inference_mode()
    def _step(self, source: int, patch: Patch) -> Step:
        """A patch made ready for its blocks."""
        buffer = self._buffers.get()
        try:
            buffer = _large_enough(buffer, patch)
            return patch.step(lambda first, last: _read(source, patch, first, last, buffer).to(patch.wide))
        finally:
            self._buffers.put(buffer)

    @torch.inference_mode()
    def _block(self, files: tuple[int, int], patch: Patch, step: Step, first: int, last: int) -> int:
        """Rows of a matrix, read, changed and written; how many bytes they are."""
        buffer = self._buffers.get()
        try:
            buffer = _large_enough(buffer, patch)
            stored = _read(files[0], patch, first, last, buffer)
            wide = _wide(patch, stored, first)
            patch.apply(step, wide, first, stored)
            if wide is not stored:
                stored.copy_(wide)
            _check(patch, stored)
            return _write(files[1], memoryview(buffer)[: stored.nbytes], _place(patch, first))
        finally:
            self._buffers.put(buffer)


def _large_enough(buffer: bytearray, patch: Patch) -> bytearray:
    """The buffer, or one with room for the patch's first block, which is the largest."""
    first, last = next(patch.blocks(), (0, 0))
    size = _place(patch, last) - _place(patch, first)
    return buffer if len(buffer) >= size else bytearray(size)


def _read(source: int, patch: Patch, first: int, last: int, buffer: bytearray) -> Tensor:
    """Rows as they are stored, in the buffer."""
    count = (last - first) * patch.width
    stored = torch.frombuffer(buffer, dtype=patch.dtype, count=count).view(last - first, patch.width)
    room, done = memoryview(buffer)[: stored.nbytes], 0
    while done < len(room):
        got = os.preadv(source, [room[done:]], _place(patch, first) + done)
        if not got:
            raise Corrupt(f"{patch.tensor}: the file ends inside it", hint="it was changed while it was read")
        done += got
    return stored


def _wide(patch: Patch, stored: Tensor, first: int) -> Tensor:
    """Rows in the type to compute in: the stored ones themselves where they have it."""
    if patch.whole is not None:
        return patch.whole[first : first + len(stored)].to(patch.wide, copy=True)
    return stored.to(patch.wide)


def _check(patch: Patch, stored: Tensor) -> None:
    if patch.dtype.is_floating_point and not all(map(torch.isfinite, stored.aminmax())):
        raise Refused(
            f"{patch.tensor}: the result holds NaN, infinity or more than {patch.dtype} can hold",
            hint="the base is broken, or a weight is far too large",
        )


def _write(target: int, data: memoryview, at: int) -> int:
    done = 0
    while done < len(data):
        done += os.pwrite(target, data[done:], at + done)
    return done


def _place(patch: Patch, row: int) -> int:
    return patch.start + row * patch.width * patch.dtype.itemsize


def copy_bytes(source: int, target: int, at: int, size: int) -> int:
    """Bytes of one file to the same place in another; within the kernel where it can."""
    done = 0
    while done < size:
        try:
            count = os.copy_file_range(source, target, size - done, at + done, at + done)
        except OSError:  # across file systems, or on one that cannot: by hand, which tells if more is wrong
            count = os.pwrite(target, os.pread(source, min(size - done, 1 << 20), at + done), at + done)
        if not count:
            raise Corrupt(f"a file of the base ends {size - done} bytes early", hint="it was changed while it was read")
        done += count
    return size
