"""O-LoRA: a new adapter learns in directions that are orthogonal to those of earlier ones.

    penalty = λ · Σ over modules of ‖A_old·A_newᵀ‖²        A_old: the rows of all earlier A, one below the other

Wang et al. 2023, https://arxiv.org/abs/2310.14152. The rows of A are what an adapter reads of its inputs. Each task
has factors of its own; earlier ones are frozen, and at inference all are added:

    W + s₁B₁A₁ + s₂B₂A₂ = W + [s₁B₁ s₂B₂]·[A₁; A₂]

So a run lays the earlier adapter under the base (`lay`), trains a fresh one on it with the penalty, and makes the entry
of both (`summed`): exact, and its rank is the sum of the ranks. Its A then has the directions of all tasks so far, and
the next run needs no other adapter than this one.
"""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.formats.peft_keys import PREFIX
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta
from adapterhub.train.engine.part import Penalty
from adapterhub.train.methods.inject import role

__all__ = ["Olora", "lay", "summed"]

FIRST = ("A", "embedding_A")


@final
class Olora(Penalty):
    """The penalty on what the factors of this model share with those of earlier adapters.

    strength: λ, against the mean loss. The model is on the device it is trained on. Modules that only one side has are
    free. `DoesNotFit` where there is nothing that both have, where A has another width, or where it is frozen.
    """

    def __init__(self, model: nn.Module, earlier: Sequence[Adapter], strength: float) -> None:
        self.strength = strength
        self.directions: dict[str, Tensor] = {}
        for name, weight in model.named_parameters():
            key = role(name.removeprefix(PREFIX))
            if key and key[1] in FIRST and (rows := _rows(earlier, key[0])):
                self.directions[name] = _fitting(torch.cat(rows), weight, key[0])
        if not self.directions:
            raise DoesNotFit(
                "olora: the earlier adapters and the new one have no module in common",
                hint="train LoRA on the same targets, or leave continual.olora out",
            )

    def penalty(self, model: nn.Module) -> Tensor | None:
        """λ · Σ ‖A_old·A_newᵀ‖²."""
        weights, terms = dict(model.named_parameters()), []
        for name, old in self.directions.items():
            new = weights[name].flatten(1).float()
            terms.append((old @ new.T).square().sum())
        return self.strength * torch.stack(terms).sum()


@torch.no_grad()
def lay(model: nn.Module, adapter: Adapter, name: str = "the earlier adapter") -> None:
    """Add what an adapter does to the weights of a model, in place; whole tensors, as heads are, take its values.

    `Refused` for what is not a sum, `DoesNotFit` for a module that is not there or has another shape.
    """
    _insist([adapter], [name])
    for path, delta in adapter.deltas.items():
        weight = _parameter(model, f"{path}.weight", name)
        change = delta.dense()
        turned = delta.form.kind == "embedding" or type(model.get_submodule(path)).__name__ == "Conv1D"
        change = change.T if turned else change
        if change.shape != weight.flatten(1).shape:
            raise DoesNotFit(
                f"{name}: {path}: a change of {_told(change)} for a weight of {_told(weight)}",
                hint="it is for another base: `adapterhub audit` tells which",
            )
        weight += change.reshape(weight.shape).to(weight)
    for path, tensor in adapter.tensors.items():
        weight = _parameter(model, path, name)
        if weight.shape == tensor.shape:  # a head of other labels begins anew
            weight.copy_(tensor)


def summed(adapters: Sequence[Adapter]) -> Adapter:
    """The adapter that does what all of them do, the oldest first: factors side by side, whole tensors of the newest.

    `Refused` where one does something that has no sum, as DoRA.
    """
    _insist(adapters, [f"adapter {number}" for number in range(1, len(adapters) + 1)])
    modules = dict.fromkeys(module for adapter in adapters for module in adapter.deltas)
    deltas = {module: [one.deltas[module] for one in adapters if module in one.deltas] for module in modules}
    tensors = {name: tensor for adapter in adapters for name, tensor in adapter.tensors.items()}
    return Adapter({module: _beside(module, some) for module, some in deltas.items()}, tensors=tensors)


def _beside(module: str, deltas: Sequence[Delta]) -> Delta:
    """Σ sᵢ·Bᵢ·Aᵢ as one delta, B with the scales in it."""
    first = deltas[0]
    for other in deltas[1:]:
        if (other.shape, other.form) != (first.shape, first.form):
            raise DoesNotFit(
                f"{module}: a change of {_told(first)} ({first.form}) and one of {_told(other)} ({other.form})",
                hint="they are for different bases",
            )
    if len(deltas) == 1:
        return first
    B = torch.cat(
        [(delta.B.double() * delta.scale).to(torch.promote_types(delta.B.dtype, torch.float32)) for delta in deltas], 1
    )
    A = torch.cat([delta.A.to(B.dtype) for delta in deltas])
    return Delta(A, B, form=first.form)


def _rows(earlier: Sequence[Adapter], module: str) -> list[Tensor]:
    """Every earlier A of a module, fp32."""
    return [adapter.deltas[module].A.float() for adapter in earlier if module in adapter.deltas]


def _fitting(rows: Tensor, weight: Tensor, module: str) -> Tensor:
    if not weight.requires_grad:
        raise DoesNotFit(
            f"olora: A of {module} is frozen, so it cannot turn away from earlier directions",
            hint="use the method lora",
        )
    if rows.shape[1] != weight.flatten(1).shape[1]:
        raise DoesNotFit(
            f"olora: {module}: earlier adapters read {rows.shape[1]} inputs, the new one {weight.flatten(1).shape[1]}",
            hint="they are for different bases, or one is VeRA, whose A is shared by all modules",
        )
    return rows.to(weight.device)


def _insist(adapters: Sequence[Adapter], names: Sequence[str]) -> None:
    """`Refused` unless all that they do adds up."""
    for adapter, name in zip(adapters, names, strict=True):
        beyond = [*adapter.beyond("tensors"), *(f"VeRA's A at {m}" for m, d in adapter.deltas.items() if d.loose)]
        if beyond:
            raise Refused(
                f"olora: {name} has {beyond[0]}, which does not add up with another adapter",
                hint="continue an adapter of the method lora, or leave continual.olora out",
            )


def _parameter(model: nn.Module, path: str, name: str) -> Tensor:
    found = {**dict(model.named_buffers()), **dict(model.named_parameters())}
    if path not in found:
        raise DoesNotFit(
            f"{name}: {path}: {type(model).__name__} has no such parameter",
            hint="it is for another base or task: `adapterhub audit` tells which",
        )
    return found[path]


def _told(what: Tensor | Delta) -> str:
    return "×".join(map(str, what.shape))
