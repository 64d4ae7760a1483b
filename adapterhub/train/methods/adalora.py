"""AdaLoRA: W + s·B·diag(E)·A, trained with more rank than asked for, and cut to it where least is lost.

It begins with 1.5 times the rank in every module. After a tenth of the steps the directions with the least importance,
|parameter·gradient| smoothed over steps, times how much that wavers, are set to 0 in E, more and more of them, until
after three quarters `rank` of each module are left on average. A penalty keeps the columns of B and the rows of A
orthonormal: λ·mean‖PᵀP − 1‖. Zhang et al. 2023, https://arxiv.org/abs/2303.10512

What is saved is LoRA in normal form, (s·B)·(diag(E)·A), with the ranks that are left; a module with none is left out.
"""

import math
from functools import partial
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.formats.peft_keys import PREFIX, Role, build_key
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import LINEAR, Delta, Form
from adapterhub.lora.save import save
from adapterhub.train.methods.attached import Attached
from adapterhub.train.methods.inject import Injected, inject
from adapterhub.train.methods.request import Request
from adapterhub.train.methods.targets import choose
from adapterhub.train.methods.write import file_bytes
from adapterhub.train.quiet import peft

__all__ = ["Allocation", "attach"]

MORE = 1.5
"""The rank at the beginning, as a multiple of the one at the end."""

LAYERS = (nn.Linear, nn.Conv2d)


def attach(request: Request) -> Attached:
    """Inject the three factors of every module; the part moves rank between them."""
    adapter, steps = request.adapter, request.steps
    if not steps or steps < 2:
        raise WrongUsage(
            f"adapter.method: adalora spreads its budget over the run, got {steps} steps",
            hint="train for at least 2 steps",
        )
    chosen, began = choose(request.model, adapter.targets, request.heads, kinds=LAYERS), math.ceil(MORE * adapter.rank)
    injected = inject(
        request,
        chosen,
        peft().AdaLoraConfig,
        target_r=adapter.rank,
        init_r=began,
        lora_alpha=request.alpha * began / adapter.rank,
        lora_dropout=adapter.dropout,
        tinit=steps // 10,
        tfinal=steps // 4,
        deltaT=max(1, steps // 100),
        total_step=steps,
    )
    return Attached(
        injected.model,
        partial(_save, injected),
        partial(_file_bytes, injected),
        parts=(Allocation(injected),),
        factors=partial(_pairs, injected),
        changed=injected.changed(),
        outer=injected.outer,
    )


@final
class Allocation:
    """The part that keeps factors orthonormal and takes directions away."""

    def __init__(self, injected: Injected) -> None:
        self._injected = injected

    @property
    def _allocator(self) -> Any:
        return self._injected.outer.base_model.rankallocator

    def penalty(self, model: nn.Module) -> Tensor:
        """λ·mean over all factors of ‖P·Pᵀ − 1‖_F."""
        layers = self._injected.layers.values()
        grams = [gram for one in layers for gram in (one["A"] @ one["A"].T, one["B"].T @ one["B"])]
        gaps = [torch.linalg.matrix_norm(gram - torch.eye(len(gram), device=gram.device)) for gram in grams]
        weight: float = self._injected.config.orth_reg_weight
        return weight * torch.stack(gaps).mean()

    def after_step(self, step: int) -> None:
        """Update the importances, and cut where it is time."""
        for layer in self._injected.layers.values():
            for parameter in layer.values():
                if parameter.grad is None:  # a module the task does not use: of no importance
                    parameter.grad = torch.zeros_like(parameter)
        self._injected.outer.base_model.update_and_allocate(step)

    def state(self) -> dict[str, Tensor]:
        """The smoothed importances, how much they waver, and what was cut."""
        ipt, unc, pattern = self._allocator.exp_avg_ipt, self._allocator.exp_avg_unc, self._injected.config.rank_pattern
        cut = {f"kept/{name}": torch.tensor(kept) for name, kept in (pattern or {}).items()}
        return {f"ipt/{n}": t for n, t in ipt.items()} | {f"unc/{n}": t for n, t in unc.items()} | cut

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from there."""
        found: dict[str, dict[str, Tensor]] = {"ipt": {}, "unc": {}, "kept": {}}
        device = next(self._injected.model.parameters()).device  # a checkpoint's tensors lie on the processor
        for name, tensor in state.items():
            kind, _, rest = name.partition("/")
            found[kind][rest] = tensor.to(device)
        allocator = self._allocator
        # The importances of one step are computed anew from each; their keys say which have been seen.
        allocator.ipt = {name: torch.zeros_like(tensor) for name, tensor in found["ipt"].items()}
        allocator.exp_avg_ipt, allocator.exp_avg_unc = found["ipt"], found["unc"]
        self._injected.config.rank_pattern = {name: kept.tolist() for name, kept in found["kept"].items()} or None


def _pairs(injected: Injected) -> list[tuple[Tensor, Tensor]]:
    return [(one["A"] * one["E"], one["B"]) for one in injected.layers.values()]


def _save(injected: Injected, folder: Path, base: str) -> None:
    deltas = {path: delta for path in sorted(injected.layers) if (delta := _delta(injected, path)) is not None}
    if not deltas:
        raise DoesNotFit("AdaLoRA: no direction is left in any module", hint="train longer, or at a higher rate")
    kept = ("modules_to_save", "fan_in_fan_out", "task_type")
    fields = {name: injected.fields[name] for name in kept} | {"base_model_name_or_path": base}
    save(Adapter(deltas, tensors=injected.heads()), folder, fields, "AdaLoRA")


def _file_bytes(injected: Injected) -> int:
    """Where every module ends with the rank that was asked for, which they do on average."""
    rank = injected.config.target_r
    heads = {PREFIX + name: tensor for name, tensor in injected.heads().items()}
    A = {build_key(path, "A"): layer["A"][:rank] for path, layer in injected.layers.items()}
    B = {build_key(path, "B"): layer["B"][:, :rank] for path, layer in injected.layers.items()}
    return file_bytes({**A, **B, **heads})


def _delta(injected: Injected, path: str) -> Delta | None:
    """The change of one module in the directions that are left."""
    A, B, E = (injected.layers[path][part].detach().cpu() for part in PARTS)
    left, config, layer = E.flatten() != 0, injected.config, injected.base(path)
    form = Form("conv", tuple(layer.kernel_size)) if isinstance(layer, nn.Conv2d) else LINEAR
    # PEFT divides by a little more than the rank.
    scale = config.lora_alpha / (config.init_r + 1e-5)
    return Delta((A * E)[left], B[:, left], scale, form) if left.any() else None


PARTS: tuple[Role, ...] = ("A", "B", "E")
