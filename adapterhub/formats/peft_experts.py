"""How PEFT stores factors of parameters that hold one matrix for each expert (`target_parameters`).

    A (E·r, in), read as (E, r, in)        B (out, r·E), read as (out, r, E)

PEFT names the module, not the parameter: where several parameters of one module are trained, the one the model
registers first lies deepest, below one `base_layer` for each that follows. A name without a path, as PEFT writes for
"all-linear", means a parameter of whichever module has one.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from adapterhub.errors import Corrupt, Refused

if TYPE_CHECKING:
    import numpy as np

    from adapterhub.formats.peft_config import PeftConfig

    Pair = tuple[np.ndarray, np.ndarray]

__all__ = ["EXPERT", "REGISTERED", "leaves_of", "nested", "one_pair", "parameter_of"]

REGISTERED = ("gate_up_proj", "up_proj", "down_proj")
"""The order in which the models of transformers register the parameters of their experts."""

EXPERT = re.compile(r"(?P<parameter>.+)\[(?P<number>[0-9]+)\]")
"""What the change of one expert is called: `layers.0.mlp.experts.down_proj[3]`."""


def leaves_of(config: "PeftConfig", owner: str) -> frozenset[str]:
    """Which parameters of a module `target_parameters` means; none of one that is itself a target."""
    names = [name.rpartition(".") for name in config.target_parameters]
    own = frozenset(leaf for path, _, leaf in names if path and f".{owner}".endswith(f".{path}"))
    bare = frozenset(leaf for path, _, leaf in names if not path)
    if own == {"weight"} or not bare or config.is_target(owner):
        return own
    return own | bare


def nested(parameters: Iterable[str]) -> dict[str, str]:
    """Parameter -> the module name its factors are saved under.

    >>> nested(["mlp.experts.down_proj", "mlp.experts.gate_up_proj"])["mlp.experts.gate_up_proj"]
    'mlp.experts.base_layer'
    """
    owners: dict[str, list[str]] = {}
    for parameter in parameters:
        owner, _, leaf = parameter.rpartition(".")
        owners.setdefault(owner, []).append(leaf)
    return {
        f"{owner}.{leaf}": owner + ".base_layer" * depth
        for owner, leaves in owners.items()
        for depth, leaf in enumerate(sorted(leaves, key=_late_first))
    }


def _late_first(leaf: str) -> tuple[int, str]:
    return (-REGISTERED.index(leaf) if leaf in REGISTERED else 1, leaf)


def parameter_of(config: "PeftConfig", module: str, modules: Collection[str], place: str) -> str:
    """The full name of the parameter that a module's factors change.

    modules: all that have factors. place: where they lie, for errors.
    """
    owner = module
    while owner.endswith(".base_layer"):
        owner = owner.removesuffix(".base_layer")
    depth = (len(module) - len(owner)) // len(".base_layer")
    leaves = set(leaves_of(config, owner))
    trained = sum(owner + ".base_layer" * n in modules for n in range(len(leaves)))
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


def one_pair(experts: "Mapping[int, Pair]") -> "tuple[int, Pair]":
    """The rank all experts are given, and the factors of all in one pair; missing experts and ranks are zeros."""
    import numpy as np

    rank, count = max(len(A) for A, _ in experts.values()), max(experts) + 1
    first, second = next(iter(experts.values()))
    A = np.zeros((count, rank, first.shape[1]), first.dtype)
    B = np.zeros((second.shape[0], rank, count), second.dtype)
    for number, (down, up) in experts.items():
        A[number, : len(down)], B[:, : len(down), number] = down, up
    return rank, (A.reshape(count * rank, -1), B.reshape(len(B), -1))
