"""Factors of a parameter that holds many matrices, as mixtures of experts do: one delta for each expert.

A (E·r, in) is read as (E, r, in), B (out, r·E) as (out, r, E). The parameter is stored as (E, out, in) or as
(E, in, out), which only the base knows. PEFT names the module, not the parameter: where several parameters of one
module are trained, the one the model registers first lies deepest, one `base_layer` for each that follows.
"""

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.peft_experts import REGISTERED, leaves_of
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
    parameter = _parameter(parts, module, place)
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


def _parameter(parts: Parts, module: str, place: str) -> str:
    """The full name of the parameter that a module's factors change."""
    owner = module
    while owner.endswith(".base_layer"):
        owner = owner.removesuffix(".base_layer")
    depth = (len(module) - len(owner)) // len(".base_layer")
    leaves = set(leaves_of(parts.config, owner))
    trained = sum(owner + ".base_layer" * n in parts.modules for n in range(len(leaves)))
    if depth >= len(leaves):
        raise Corrupt(
            f"{place}: factors of parameter {depth + 1} of {owner}, and target_parameters names {len(leaves)}",
            hint="take the config from the training run",
        )
    if trained < len(leaves):
        raise Refused(
            f"{place}: target_parameters names {len(leaves)} parameters ({', '.join(sorted(leaves))}), and there are "
            f"factors of {trained}: PEFT does not save of which",
            hint="take those out of target_parameters that the model does not have there",
        )
    if len(leaves) == 1:
        return f"{owner}.{leaves.pop()}"
    if unknown := sorted(leaves.difference(REGISTERED)):
        raise Refused(
            f"{place}: several parameters of {owner} were trained, and PEFT does not save which is which: "
            f"the order is known for {', '.join(REGISTERED)}, not for {', '.join(unknown)}",
            hint="train one parameter of a module, or merge it with peft, which has the model to look at",
        )
    deepest = [leaf for leaf in REGISTERED if leaf in leaves]
    return f"{owner}.{deepest[-1 - depth]}"
