"""What a step of training holds in memory, told apart: weights, gradients, the optimiser's state, activations.

Every operation that torch runs is seen as it is dispatched; what it gives back lies in storages, and a storage counts
from when it is first seen until it dies, once however many views it has. Scratch that an operation takes and frees
inside itself is not seen, nor what torch, Python and the allocator take for themselves; `process_peak` has that.
"""

import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self, final

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Memory", "Tracker", "held", "measure", "peak_of"]

Kind = Literal["weights", "gradients", "optimizer", "given", "activations"]


@final
@dataclass(frozen=True)
class Memory:
    """Bytes of live tensors by what they are for.

    given: what came from outside and was used, such as the batch. activations: all else, at the end of a forward pass
    what is saved for the backward pass, and the loss. peak: the most there ever was of all together.
    """

    weights: int = 0
    gradients: int = 0
    optimizer: int = 0
    given: int = 0
    activations: int = 0
    peak: int = 0


class Tracker(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of live tensors while it is entered; a gradient counts as one when it has been accumulated."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._model, self._optimizer = model, optimizer
        self._held: dict[int, tuple[weakref.ref[torch.UntypedStorage], Kind, int]] = {}
        self._bytes: dict[Kind, int] = {"weights": 0, "gradients": 0, "optimizer": 0, "given": 0, "activations": 0}
        self._hooks: list[Any] = []
        self._peak = 0

    @property
    def now(self) -> Memory:
        """What lives now, and the most there was since the tracker was entered."""
        return Memory(**self._bytes, peak=self._peak)

    def __enter__(self) -> Self:
        weights = list(self._model.parameters())
        self._see("weights", [*weights, *self._model.buffers()])
        self._see("gradients", [weight.grad for weight in weights if weight.grad is not None])
        for weight in weights:
            if weight.requires_grad:
                hook = weight.register_post_accumulate_grad_hook(self._accumulated)  # type: ignore[no-untyped-call]
                self._hooks.append(hook)
        if self._optimizer:
            self._stepped(self._optimizer)
            self._hooks.append(self._optimizer.register_step_post_hook(self._stepped))
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        self._held.clear()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._see("given", _tensors((args, kwargs)), new=True)
        answer = func(*args, **(kwargs or {}))
        self._see("activations", _tensors(answer), new=True)
        return answer

    def _accumulated(self, weight: Tensor) -> None:
        if weight.grad is not None:
            self._see("gradients", [weight.grad])

    def _stepped(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        self._see("optimizer", _tensors(list(optimizer.state.values())))

    def _see(self, kind: Kind, tensors: Iterable[Tensor], *, new: bool = False) -> None:
        """Count the storages as of this kind; with `new`, those that are known stay what they are."""
        for storage in _storages(tensors):
            key, size = id(storage), storage.nbytes()
            if known := self._held.get(key):
                self._bytes[known[1]] -= known[2]
                self._held[key] = (known[0], known[1] if new else kind, size)
            else:
                self._held[key] = (weakref.ref(storage, partial(self._gone, key)), kind, size)
            self._bytes[self._held[key][1]] += size
        self._peak = max(self._peak, sum(self._bytes.values()))

    def _gone(self, key: int, _: object) -> None:
        if known := self._held.pop(key, None):
            self._bytes[known[1]] -= known[2]


def measure(model: nn.Module, loss: Callable[[], Tensor], optimizer: torch.optim.Optimizer | None = None) -> Memory:
    """One step: what there is of each kind when it is most of that kind, and the peak of all.

    loss: the forward pass. With an optimiser its step is made too, which changes the weights.
    """
    with Tracker(model, optimizer) as tracker:
        value = loss()
        forward = tracker.now
        torch.autograd.backward(value)
        del value
        backward = tracker.now
        if optimizer:
            optimizer.step()
        done = tracker.now
    return Memory(done.weights, backward.gradients, done.optimizer, forward.given, forward.activations, done.peak)


def peak_of(work: Callable[[], object], model: nn.Module, device: torch.device) -> int:
    """The most bytes that the work took for tensors beyond what was there before it.

    On CUDA that is what the allocator counted, whose count of the peak begins anew.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    with Tracker(model) as tracker:
        before = tracker.now.peak
        work()
        return tracker.now.peak - before


def held(tensors: Iterable[Tensor]) -> int:
    """The bytes that tensors lie in, shared storages once; what a quantised one is made of counts."""
    return sum({id(storage): storage.nbytes() for storage in _storages(tensors)}.values())


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _storages(tensors: Iterable[Tensor]) -> Iterator[torch.UntypedStorage]:
    for tensor in tensors:
        if flatten := getattr(tensor, "__tensor_flatten__", None):
            yield from _storages(getattr(tensor, name) for name in flatten()[0])
        elif tensor.layout is torch.strided and tensor.device.type != "meta":
            yield tensor.untyped_storage()
