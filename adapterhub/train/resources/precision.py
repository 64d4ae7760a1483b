"""What a training computes in: matrix products in fp32, bf16 or fp16 while weights stay fp32, and always the same bits.

fp16 has no numbers below 6e-8, where many gradients are: the loss is multiplied by a scale before the backward pass,
the gradients divided by it after, and a step whose gradients overflowed is left out and the scale halved (Micikevicius
et al. 2018, https://arxiv.org/abs/1710.03740).
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import final

import torch
from torch import Tensor

from adapterhub.errors import Corrupt, Refused, WrongUsage

__all__ = ["PRECISIONS", "Diverged", "Precision", "deterministic"]

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

SCALE = 2.0**16
"""Where the scale of a mean loss begins."""

LEAST = 2.0**-24
"""A smaller scale helps nobody: what overflows then is infinite in fp32 too, or nearly."""


class Diverged(Refused):
    """The loss, or its gradient, is no number any more."""


@final
class Precision:
    """Autocast and, for fp16, a scale; for fp32 every call is what plain torch does.

        with precision.autocast():
            total, count = loss(model, batch)
        precision.scale(total).backward()       # as often as there are micro-batches
        precision.unscale(optimizer)            # after the sum over processes; then divide, clip
        stepped = precision.step(optimizer)     # False: fp16 overflowed, nothing was changed, the scale is halved

    A False step may be computed again with the same batch. Scale and growth are the same in all processes when their
    gradients are.
    """

    def __init__(self, word: str, device: torch.device, *, summed: int = 1) -> None:
        """word: fp32, bf16 or fp16. summed: of about how many terms a loss is the sum; so much smaller fp16 begins."""
        if word not in PRECISIONS:
            raise WrongUsage(f"precision: {word!r} is none; wanted {', '.join(PRECISIONS)}", hint="fp32 works anywhere")
        _insist(word, device)
        self.word, self.device = word, device
        start = SCALE / 2 ** (max(1, summed) - 1).bit_length()
        self._scaler = torch.amp.GradScaler(device.type, init_scale=start) if word == "fp16" else None

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Within it a forward pass computes its matrix products in the precision; norms, softmax and losses in fp32."""
        if self.word == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=PRECISIONS[self.word])

    def scale(self, loss: Tensor) -> Tensor:
        """What to call `backward` on."""
        return self._scaler.scale(loss) if self._scaler else loss

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """The gradients of the optimiser's parameters as they are of the loss itself; once a step."""
        if self._scaler:
            self._scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> bool:
        """Make the optimiser's step; False where fp16 overflowed, then nothing was changed but the scale.

        `Diverged` where it overflows at any scale.
        """
        if self._scaler is None:
            optimizer.step()
            return True
        before = self._scaler.get_scale()
        self._scaler.step(optimizer)
        self._scaler.update()
        if (now := self._scaler.get_scale()) < LEAST:
            raise Diverged(
                f"precision: fp16 gradients overflow even when the loss is scaled by {now:.0e}",
                hint="use bf16 or fp32; or the gradients are infinite themselves: a smaller lr, or look at the data",
            )
        return now >= before

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold; nothing but for fp16."""
        if self._scaler is None:
            return {}
        held = self._scaler.state_dict()
        return {
            "scale": torch.tensor(held["scale"], dtype=torch.float64),
            "good_steps": torch.tensor(held["_growth_tracker"], dtype=torch.int64),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave; `Corrupt` for the state of another precision."""
        if sorted(state) != sorted(self.state()):
            raise Corrupt(
                f"the checkpoint's precision holds {sorted(state)}, and {self.word} wants {sorted(self.state())}",
                hint="the checkpoint is of a run in another precision; start again, or give the precision it had",
            )
        if self._scaler:
            scale, good = float(state["scale"]), int(state["good_steps"])
            self._scaler.load_state_dict({**self._scaler.state_dict(), "scale": scale, "_growth_tracker": good})


def _insist(word: str, device: torch.device) -> None:
    if word != "fp32" and not torch.amp.is_autocast_available(device.type):
        raise Refused(f"precision: {word} on {device}: torch has no autocast there", hint="use fp32")
    if word == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        name = torch.cuda.get_device_name(device)
        raise Refused(f"precision: bf16 on {device}: {name} does not compute in it", hint="use fp16 or fp32")


@contextlib.contextmanager
def deterministic(threads: int | None = None, device: torch.device | None = None) -> Iterator[None]:
    """Within it torch gives the same bits for the same work on the same build, device and number of threads.

    threads: how many threads an operation is split among; None: as many as there are. On the processor an operation
    that has no such form is an error; on an accelerator it warns and runs. Outside all is as it was before.

    On CUDA this sets CUBLAS_WORKSPACE_CONFIG, which torch reads when its first matrix product runs: enter before it.
    """
    accelerator = device is not None and device.type != "cpu"
    with contextlib.ExitStack() as undo:
        _set_algorithms(undo, warn_only=accelerator)
        undo.callback(torch.set_num_threads, torch.get_num_threads())
        if threads is not None:
            torch.set_num_threads(threads)
        if accelerator and "CUBLAS_WORKSPACE_CONFIG" not in os.environ:
            os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
            undo.callback(os.environ.pop, "CUBLAS_WORKSPACE_CONFIG", None)
        yield


def _set_algorithms(undo: contextlib.ExitStack, *, warn_only: bool) -> None:
    was = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    undo.callback(lambda: torch.use_deterministic_algorithms(was[0], warn_only=was[1]))
    torch.use_deterministic_algorithms(True, warn_only=warn_only)
    # Filling fresh memory with NaN would find reads of what was never written; it costs a pass over every output.
    _set(undo, torch.utils.deterministic, "fill_uninitialized_memory", False)
    _set(undo, torch.backends.cudnn, "deterministic", True)
    _set(undo, torch.backends.cudnn, "benchmark", False)
    _set(undo, torch.backends.mkldnn, "deterministic", True)


def _set(undo: contextlib.ExitStack, owner: object, name: str, value: bool) -> None:
    undo.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)
