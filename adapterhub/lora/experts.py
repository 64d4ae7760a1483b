"""Factors of a parameter that holds many matrices, as mixtures of experts do: one delta for each expert.

A (E·r, in) is read as (E, r, in), B (out, r·E) as (out, r, E). The parameter is stored as (E, out, in) or as
(E, in, out), which only the base knows. PEFT names the module, not the parameter: where several parameters of one
module are trained, the one the model registers first lies deepest, one `base_layer` for each that follows.
"""

from adapterhub.errors import Corrupt
from adapterhub.formats.peft_experts import parameter_of
from adapterhub.formats.peft_parts import Parts, is_expert
from adapterhub.lora.delta import Delta

__all__ = ["expert_name", "experts"]


def expert_name(parameter: str, number: int) -> str:
    """What the change of one expert is called.

    >>> expert_name("model.layers.0.mlp.experts.down_proj", 3)
    'model.layers.0.mlp.experts.down_proj[3]'
    """
    return f"{parameter}[{number}]"


def experts(parts: Parts, module: str, delta: Delta, place: str) -> dict[str, Delta]:
    """The deltas of the experts a pair of factors holds; none where the module is an ordinary one.

    The only matrix of a parameter called `weight` is that of its module, and has its name.
    """
    if not is_expert(parts.config, module):
        return {}
    parameter = parameter_of(parts.config, module, parts.modules, place)
    rank = parts.config.rank_of(parameter)
    if not rank or delta.rank % rank:
        raise Corrupt(
            f"{place}: {delta.rank} rows for experts of rank {rank}: not a whole number of experts",
            hint="take the config from the training run: r tells how many experts there are",
        )
    count = delta.rank // rank
    A = delta.A.reshape(count, rank, -1)
    B = delta.B.reshape(delta.B.shape[0], rank, count)
    scale = parts.config.scaling(parameter, rank)
    owner, _, leaf = parameter.rpartition(".")
    if count == 1 and leaf == "weight":
        return {owner: Delta(A[0], B[:, :, 0], scale)}
    return {expert_name(parameter, e): Delta(A[e], B[:, :, e], scale) for e in range(count)}
