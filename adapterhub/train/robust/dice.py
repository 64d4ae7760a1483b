"""The same dice for a second forward pass: dropout that differed would move the loss more than the attack does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor

__all__ = ["Dice"]


@final
class Dice:
    """The state of torch's generators as it is now, of the processor and of one device."""

    def __init__(self, device: torch.device) -> None:
        self._generators = list(_generators(device))
        self._states = self._read()

    @contextmanager
    def again(self) -> Iterator[None]:
        """Within it the dice fall as they did from then on; afterwards they go on from where they are."""
        now = self._read()
        self._write(self._states)
        try:
            yield
        finally:
            self._write(now)

    def _read(self) -> list[Tensor]:
        return [read() for read, _ in self._generators]

    def _write(self, states: list[Tensor]) -> None:
        for (_, write), state in zip(self._generators, states, strict=True):
            write(state)


def _generators(device: torch.device) -> Iterator[tuple[Callable[[], Tensor], Callable[[Tensor], Any]]]:
    yield torch.get_rng_state, torch.set_rng_state
    if device.type != "cpu":
        module = torch.get_device_module(device)
        where = () if device.type == "mps" else (device,)  # of which there is only one
        yield lambda: module.get_rng_state(*where), lambda state: module.set_rng_state(state, *where)
