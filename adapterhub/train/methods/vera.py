"""VeRA: random factors that all modules share, and two trained vectors of each, λ_d (r,) and λ_b (out,).

    ΔW = diag(λ_b)·B[:out] · diag(λ_d)·A[:, :in]

The shared factors are drawn from the seed of the run and saved, since they could not be drawn again without the widths
of the base's layers. Kopiczko et al. 2024, https://arxiv.org/abs/2310.11454
"""

from functools import partial

from torch import nn

from adapterhub.train.methods import write
from adapterhub.train.methods.attached import Attached
from adapterhub.train.methods.inject import inject
from adapterhub.train.methods.request import Request
from adapterhub.train.methods.targets import choose
from adapterhub.train.quiet import peft

__all__ = ["attach"]


def attach(request: Request) -> Attached:
    """Inject the vectors; only linear layers have them."""
    adapter = request.adapter
    chosen = choose(request.model, adapter.targets, request.heads, kinds=(nn.Linear,))
    injected = inject(
        request,
        chosen,
        peft().VeraConfig,
        r=adapter.rank,
        vera_dropout=adapter.dropout,
        projection_prng_key=request.seed,
        save_projection=True,
    )
    return Attached(
        injected.model,
        partial(write.save, injected),
        lambda: write.file_bytes(write.tensors(injected)),
        changed=injected.changed(),
        outer=injected.outer,
    )
