"""LoRA and its kin: W + s·B·A with A (r, in) and B (out, r).

lora        s = alpha/r, or alpha/√r (rsLoRA, Kalajdzievski 2023, https://arxiv.org/abs/2312.03732)
            Hu et al. 2021, https://arxiv.org/abs/2106.09685
dora        m·(W + s·B·A)/‖W + s·B·A‖ by rows, m trained. Liu et al. 2024, https://arxiv.org/abs/2402.09353
frozen-a    A random with orthonormal rows, drawn from the seed and kept: "random alignment". Only B is trained,
            which is linear in B and halves what is trained; Zhu et al. 2024, https://arxiv.org/abs/2402.16842
"""

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from adapterhub.train.methods import eva, inits, write
from adapterhub.train.methods.attached import Attached
from adapterhub.train.methods.inject import Injected, inject
from adapterhub.train.methods.request import Request
from adapterhub.train.methods.targets import LAYERS, choose
from adapterhub.train.quiet import peft

__all__ = ["attach"]


def attach(request: Request) -> Attached:
    """Inject the factors, give them their first values, and say how they are written."""
    adapter = request.adapter
    frozen = adapter.method == "frozen-a"
    start = "aligned" if frozen else adapter.init
    # Of an embedding PEFT begins with A = 0, and none of the other ways to begin means anything there.
    kinds = [kind for kind in LAYERS if start == "default" or kind is not nn.Embedding]
    chosen = choose(request.model, adapter.targets, request.heads, kinds=kinds)
    directions = eva.directions(request, chosen) if start == "eva" else {}
    ranks = inits.ranks(request.model, chosen, start, adapter.rank)
    ranks = eva.ranks(directions, adapter.rank) if directions else ranks
    injected = _inject(request, ranks)
    inits.start(injected, start, {path: rows[: ranks[path]] for path, (rows, _) in directions.items()})
    if frozen:
        for layer in injected.layers.values():
            layer["A"].requires_grad_(False)
    initial = inits.remembered(injected) if start in inits.MUTATING else {}
    return Attached(
        injected.model,
        partial(_save, injected, initial),
        lambda: write.file_bytes(inits.on_pristine_base(injected, initial)),
        injected.rates(request.lora_plus),
        factors=injected.pairs,
        changed=injected.changed(),
        outer=injected.outer,
    )


def _inject(request: Request, ranks: Mapping[str, int]) -> Injected:
    adapter = request.adapter
    odd = {path: rank for path, rank in sorted(ranks.items()) if rank != adapter.rank}
    share = (lambda rank: 1.0) if adapter.rslora else (lambda rank: rank / adapter.rank)
    return inject(
        request,
        sorted(ranks),
        peft().LoraConfig,
        r=adapter.rank,
        lora_alpha=whole_number(request.alpha),
        lora_dropout=adapter.dropout,
        use_rslora=adapter.rslora,
        use_dora=adapter.method == "dora",
        rank_pattern={pattern(path, ranks): rank for path, rank in odd.items()},
        alpha_pattern={pattern(path, ranks): whole_number(request.alpha * share(rank)) for path, rank in odd.items()},
    )


def pattern(path: str, paths: Mapping[str, Any]) -> str:
    """A key of rank_pattern for one module: PEFT lets it match the end of a longer path too, unless `^` forbids it."""
    return f"^{path}" if any(other.endswith(f".{path}") for other in paths) else path


def whole_number(value: float) -> int | float:
    """16.0 as 16: some readers want an integer for alpha."""
    return int(value) if value == int(value) else value


def _save(injected: Injected, initial: Mapping[str, Any], folder: Path, base: str) -> None:
    if not initial:
        return write.save(injected, folder, base)
    state, config = inits.on_pristine_base(injected, initial), injected.config
    # Twice the rank at the same scale: s = alpha/r, with rsLoRA alpha/√r.
    more = math.sqrt(2) if config.use_rslora else 2
    fields = {
        "r": 2 * config.r,
        "lora_alpha": config.lora_alpha * more,
        "rank_pattern": {path: 2 * rank for path, rank in config.rank_pattern.items()},
        "alpha_pattern": {path: alpha * more for path, alpha in config.alpha_pattern.items()},
    }
    return write.save(injected, folder, base, state=state, **fields)
