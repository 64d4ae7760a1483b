"""Weights that a model holds together and its checkpoint apart, or the other way round: slices for slices.

    experts stacked    experts.N.gate_proj, experts.N.up_proj  ->  experts.gate_up_proj (E, 2·out, in)
                       experts.N.down_proj                     ->  experts.down_proj (E, out, in)
    experts apart      the same from the right to the left
    fused, apart       self_attn.q_proj, k_proj, v_proj        <-  attn.Wqkv (3·out, in), a third each

Sources: the converters of `conversion_mapping` in transformers 5.23, and the shapes they give. What one expert has in a
stack that may lie either way is told by the size of the hidden states, which is `hidden`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from adapterhub.base.weights import Weight

__all__ = ["FUSED", "LEAVES", "ONE", "experts", "fused"]

Weights = Mapping[str, Weight]

ONE = re.compile(r"(?P<block>.+\.experts)\.(?P<number>[0-9]+)\.(?P<leaf>gate_proj|up_proj|down_proj|w1|w2|w3)")
ALL = re.compile(
    r"(?P<block>.+\.experts)\.(?P<leaf>gate_up_proj|gate_proj|up_proj|down_proj|fc1|fc2)"
    r"|(?P<owner>.+\.block_sparse_moe)\.(?P<linear>input_linear|output_linear)"
)
LEAVES = {
    "w1": "gate_proj",
    "w2": "down_proj",
    "w3": "up_proj",
    "fc1": "gate_up_proj",
    "fc2": "down_proj",
    "input_linear": "gate_up_proj",
    "output_linear": "down_proj",
}
"""Other names of the same; Mixtral's, Aria's, Granite's."""
OTHERS = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}


class Fused(NamedTuple):
    """A module on disk, and the live ones that have an equal share of its rows each."""

    types: frozenset[str]
    whole: str
    parts: tuple[str, ...]


QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
GATED = ("mlp.gate_proj", "mlp.up_proj")
FUSED = (
    Fused(frozenset({"nomic_bert"}), "attn.Wqkv", QKV),
    Fused(frozenset({"jina_embeddings_v3"}), "mixer.Wqkv", QKV),
    Fused(frozenset({"gte"}), "attention.qkv_proj", QKV),
    Fused(frozenset({"gte"}), "mlp.up_gate_proj", GATED),
    Fused(frozenset({"dinov2", "dinov2_with_registers"}), "mlp.weights_in", GATED),
)


def fused(weights: Weights, model_type: str | None) -> Iterator[tuple[str, Weight]]:
    """What is fused on disk, part by part, and what is apart, as a whole."""
    for row in FUSED:
        if model_type in row.types:
            for name in weights:
                if f".{name}".endswith(f".{row.whole}"):
                    yield from _apart(name.removesuffix(row.whole), row, weights[name])
                elif f".{name}".endswith(f".{row.parts[0]}"):
                    yield from _whole(name.removesuffix(row.parts[0]), row, weights)


def _apart(block: str, row: Fused, weight: Weight) -> Iterator[tuple[str, Weight]]:
    if weight.shape is not None and weight.shape[0] % len(row.parts) == 0:
        shape = (weight.shape[0] // len(row.parts), *weight.shape[1:])
        for place, part in enumerate(row.parts):
            yield block + part, Weight(shape, weight.tensors, weight.storage, f"rows {place}", "apart")


def _whole(block: str, row: Fused, weights: Weights) -> Iterator[tuple[str, Weight]]:
    parts = [weights.get(block + part) for part in row.parts]
    shapes = [part.shape for part in parts if part is not None and part.shape]
    if len(shapes) == len(parts) and len({shape[1:] for shape in shapes}) == 1:
        tensors = tuple(tensor for part in parts if part for tensor in part.tensors)
        yield block + row.whole, Weight((sum(s[0] for s in shapes), *shapes[0][1:]), tensors, rule="fused")


def experts(weights: Weights, hidden: int | None) -> Iterator[tuple[str, Weight]]:
    """Experts that lie one by one, as stacks; and those that lie in stacks, one by one."""
    ones: defaultdict[str, dict[tuple[str, int], Weight]] = defaultdict(dict)
    stacks: defaultdict[str, dict[str, Weight]] = defaultdict(dict)
    for name, weight in weights.items():
        if found := ONE.fullmatch(name):
            leaf = LEAVES.get(found["leaf"], found["leaf"])
            ones[found["block"]][leaf, int(found["number"])] = weight
        elif (found := ALL.fullmatch(name)) and weight.shape is not None and len(weight.shape) == 3:
            leaf = found["leaf"] or found["linear"]
            stacks[found["block"] or f"{found['owner']}.experts"][LEAVES.get(leaf, leaf)] = weight
    for block, some in ones.items():
        stacked = dict(_stacked(some))
        yield from ((f"{block}.{leaf}", weight) for leaf, weight in _joint(stacked).items())
    for block, have in stacks.items():
        yield from ((f"{block}.{leaf}", weight) for leaf, weight in _joint(have).items())
        for leaf, stack in have.items():
            yield from _singles(block, leaf, stack, hidden)


def _stacked(some: Mapping[tuple[str, int], Weight]) -> Iterator[tuple[str, Weight]]:
    for leaf in dict.fromkeys(leaf for leaf, _ in some):
        row = [some.get((leaf, number)) for number in range(sum(one == leaf for one, _ in some))]
        shapes = {weight.shape for weight in row if weight is not None}
        shape = next(iter(shapes))
        if None not in row and len(shapes) == 1 and shape is not None:
            tensors = tuple(tensor for weight in row if weight for tensor in weight.tensors)
            storage = next(weight.storage for weight in row if weight)
            yield leaf, Weight((len(row), *shape), tensors, storage, rule="experts stacked")


def _joint(have: Mapping[str, Weight]) -> dict[str, Weight]:
    """The stacks, and gate and up as one."""
    gate, up = have.get("gate_proj"), have.get("up_proj")
    if gate is None or up is None or gate.shape is None or gate.shape != up.shape:
        return dict(have)
    count, out, into = gate.shape
    both = Weight((count, 2 * out, into), gate.tensors + up.tensors, gate.storage, rule="experts stacked")
    return {**have, "gate_up_proj": both}


def _singles(block: str, leaf: str, stack: Weight, hidden: int | None) -> Iterator[tuple[str, Weight]]:
    count, out, into = stack.shape or (0, 0, 0)
    # The hidden states go into gate and up and come out of down; where that is not so, the matrices lie turned.
    inner, outer = (out, into) if leaf == "down_proj" else (into, out)
    if hidden is not None and inner != hidden and outer == hidden:
        out, into = into, out
    for part in ("gate_proj", "up_proj") if leaf == "gate_up_proj" else (leaf,):
        rows = out // 2 if leaf == "gate_up_proj" else out
        for number in range(count):
            weight = Weight((rows, into), stack.tensors, stack.storage, f"{part} of expert {number}", "experts apart")
            yield f"{block}.{number}.{part}", weight
            yield f"{block}.{number}.{OTHERS[part]}", weight
