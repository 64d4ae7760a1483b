"""Where an input can be moved: what the input embedding answers, or the picture or sound itself.

Tokens have no neighbours, but their embeddings do. An attack on the embedding's weights moves nothing where they are
frozen, as under LoRA, and hits all places of a word at once: so it is the embedding's output that moves, by a hook.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, final

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.engine.shape import shape_words
from adapterhub.train.robust.tree import Path, put, tensors
from adapterhub.train.task import Batch

__all__ = ["Nudge", "Place", "find", "input_embedding"]

INPUTS = ("pixel_values", "input_values", "input_features", "inputs_embeds")
"""What transformers calls inputs that are no tokens."""


@final
class Nudge:
    """What is added to a tensor (examples, …) on its way: nothing, a leaf with a gradient, until an attack has moved.

    Only the first tensor of a pass is moved: a second text, or what is generated, goes by.
    """

    def __init__(self, value: Tensor | None = None) -> None:
        self.value, self.here, self.calls = value, torch.empty(0), 0

    def __call__(self, here: Tensor) -> Tensor:
        self.calls += 1
        if self.calls > 1:
            return here
        if self.value is None:
            wide = torch.promote_types(here.dtype, torch.float32)
            self.value = torch.zeros(here.shape, dtype=wide, device=here.device, requires_grad=True)
        if self.value.shape != here.shape:
            raise DoesNotFit(
                f"the attack was found for an input of {shape_words(self.value.shape)}, and now one of "
                f"{shape_words(here.shape)} came",
                hint="the task's loss and its answers must read a batch in the same way",
            )
        self.here = here.detach()
        return here + self.value.to(here.dtype)


@final
@dataclass(frozen=True)
class Place:
    """Where the input of a batch is moved. `name` stands in errors."""

    name: str
    through: Callable[[Nudge], AbstractContextManager[Batch]]
    """Within it a model that is given the batch that comes out sees the input moved."""
    mask: Tensor | None = None
    """(examples, positions): which positions are no padding; None where nothing is padded."""
    embedded: bool = False
    """Whether it is what an embedding answers, which has no range."""

    def real(self, gradient: Tensor) -> Tensor:
        """The gradient where the input is real; padding stays where it is."""
        if self.mask is None or self.mask.shape != gradient.shape[: self.mask.ndim]:
            return gradient
        mask = self.mask.to(torch.bool).view(*self.mask.shape, *(1,) * (gradient.ndim - self.mask.ndim))
        return torch.where(mask, gradient, 0.0)


def find(model: nn.Module, batch: Batch) -> Place:
    """Where this batch's input is: tokens at the embedding, pictures and sounds in the batch. `WrongUsage` if neither.

    Tokens are `input_ids`, or what is left where a batch has no numbers with a fraction in more than one dimension.
    """
    found = dict(tensors(batch))
    mask = next((tensor for path, tensor in found.items() if _key(path) == "attention_mask"), None)
    floats = [path for path, tensor in found.items() if tensor.is_floating_point() and tensor.ndim > 1]
    named = [path for path in floats if _key(path) in INPUTS]
    if floats and not any(_key(path) == "input_ids" for path in found):
        chosen = named or floats
        if len(chosen) > 1:
            _unclear(f"a batch has {len(chosen)} inputs that could be moved: {', '.join(map(_told, chosen))}")
        path = chosen[0]
        return Place(_told(path), lambda nudge: _at_input(batch, path, nudge), mask)
    if (module := input_embedding(model)) is None:
        _unclear(f"{type(model).__name__} has no input embedding that can be found, and its batches no other input")
    return Place("the input embedding", lambda nudge: _at_embedding(module, batch, nudge), mask, True)


def input_embedding(model: nn.Module) -> nn.Module | None:
    """The module that turns tokens into vectors: what a transformers model says it is, else the only nn.Embedding."""
    source: Any = model
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        source = source.get_encoder()  # the decoder's has the same weights and is another module
    try:
        found = source.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        found = None
    if isinstance(found, nn.Module):
        return found
    every = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    return every[0] if len(every) == 1 else None


@contextmanager
def _at_input(batch: Batch, path: Path, nudge: Nudge) -> Iterator[Batch]:
    yield put(batch, path, nudge(dict(tensors(batch))[path]))


@contextmanager
def _at_embedding(module: nn.Module, batch: Batch, nudge: Nudge) -> Iterator[Batch]:
    hook = module.register_forward_hook(lambda _module, _inputs, output: nudge(output))
    try:
        yield batch
    finally:
        hook.remove()


def _unclear(what: str) -> NoReturn:
    raise WrongUsage(
        f"robust: {what}",
        hint=f"call the input input_ids or {', '.join(INPUTS)} in the batch, or give the model get_input_embeddings()",
    )


def _key(path: Path) -> Any:
    return path[-1] if path else None


def _told(path: Path) -> str:
    return ".".join(map(str, path)) or "the batch"
