"""The processes of a run: one, or those `torchrun` started, on this machine or on several.

Gradients of sums are added up once a step, in one flat piece, and divided by the global count: nothing is averaged on
the way, so the number of processes changes no result but by rounding.

What is no tensor goes between them as a pickle: they are one run's own, and so is the network they meet on.
"""

import atexit
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, final

import torch
from torch import Tensor
from torch import distributed as dist

from adapterhub.errors import AdapterHubError, Unreachable
from adapterhub.system import from_system

__all__ = ["ALONE", "World", "join"]

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: rank 0 hashes a base and reads a data set before the first step."""


@final
@dataclass(frozen=True)
class World:
    """This process among all."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the process that writes, and speaks."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum of everybody's values, in place."""
        if self.size > 1:
            with _answered():
                dist.all_reduce(values)
        return values

    def sum_all(self, tensors: Sequence[Tensor]) -> None:
        """The sums of everybody's tensors, in place; one message for each dtype."""
        self._together(tensors, dist.all_reduce)

    def same(self, tensors: Sequence[Tensor]) -> None:
        """The first process's tensors for all, in place."""
        self._together(tensors, partial(dist.broadcast, src=0))

    def _together(self, tensors: Sequence[Tensor], message: Callable[[Tensor], Any]) -> None:
        if self.size == 1:
            return
        for kind in dict.fromkeys(tensor.dtype for tensor in tensors):
            alike = [tensor for tensor in tensors if tensor.dtype == kind]
            flat = torch.cat([tensor.reshape(-1) for tensor in alike])
            with _answered():
                message(flat)
            for tensor, piece in zip(alike, torch.split(flat, [one.numel() for one in alike]), strict=True):
                tensor.copy_(piece.view_as(tensor))

    def any(self, *said: bool) -> list[bool]:
        """Whether somebody says yes, to each of some questions; everybody hears the same."""
        return [bool(count) for count in self.sum(torch.tensor(said, dtype=torch.float32)).tolist()]

    def collect(self, value: Any) -> list[Any]:
        """Everybody's value, in the order of the ranks."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        with _answered():
            dist.all_gather_object(found, value)
        return found

    def each(self, make: Callable[[], T]) -> T:
        """What everybody makes for itself; an error anywhere is an error everywhere, at the end of the making."""
        if self.size == 1:
            return make()
        mine: Exception | None = None
        try:
            made = make()
        except Exception as error:
            mine = error
        told = [one for one in self.collect(mine and self._portable(mine)) if one is not None]
        if told:
            raise self.alike(mine or told[0])
        return made

    def of_first(self, make: Callable[[], T]) -> T:
        """What the first process makes, given to all; an error there is an error everywhere."""
        if self.size == 1:
            return make()
        told: list[Any] = [None, None]
        mine: Exception | None = None
        if self.first:
            try:
                told[0] = make()
            except Exception as error:
                mine, told[1] = error, self._portable(error)
        with _answered():
            dist.broadcast_object_list(told)
        if told[1] is not None:
            raise self.alike(mine or told[1])
        made: T = told[0]
        return made

    def alike(self, error: E) -> E:
        """An error all processes have; on each machine one of them tells it."""
        if isinstance(error, AdapterHubError):
            error.elsewhere = self.local_rank > 0
        return error

    def _portable(self, error: Exception) -> AdapterHubError:
        """An error as other processes hear it: with the name of this one, unless it is the first."""
        who = "" if self.first else f"process {self.rank} ({platform.node()}): "
        if isinstance(error, OSError):
            error = from_system(error)
        if isinstance(error, AdapterHubError):
            return type(error)(f"{who}{error}", hint=error.hint)
        return AdapterHubError(f"{who}{type(error).__name__}: {error}")


ALONE = World()


@contextmanager
def _answered() -> Iterator[None]:
    """A message to all; where one of them is gone, gloo and nccl have no word for it that a person would know."""
    try:
        yield
    except RuntimeError as error:
        raise Unreachable(
            f"another process of the run has gone away: {str(error).splitlines()[0]}",
            hint="what it said last stands in its own output; start all of them again, and the run goes on",
        ) from error


def join() -> World:
    """The world `torchrun` describes in the environment (its variables RANK, WORLD_SIZE, LOCAL_RANK); else alone.

    The processes stay together until they end: those that parted once find only each other's old addresses.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if local < torch.cuda.device_count():
        torch.cuda.set_device(local)
    if not dist.is_initialized():
        # Flags and plain values go by gloo even where gradients go by nccl, which knows no other memory than CUDA's.
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
        atexit.register(_part)
    return World(dist.get_rank(), dist.get_world_size(), local)


def _part() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
