"""LoRA-ViT files, and those of the SAM adapters made with its code: layers by number and nothing else.

    w_a_000 (r, dim)     w_b_000 (dim, r)     fc_768in_10out (10, 768): the new head

Every block of the transformer has two of them in a row: the first is added to the query, the second to the value. There
is no alpha in the file.
"""

import re
from typing import Any

from adapterhub.facts import Facts
from adapterhub.formats import factors, single, untrained
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members

__all__ = ["claims", "facts"]

KEY = re.compile(r"w_(?P<half>[ab])_(?P<number>\d{3,6})")
HEAD = re.compile(r"fc_(?P<into>\d{1,9})in_(?P<out>\d{1,9})out")


def claims(members: Members) -> bool:
    """Whether a tensor of the file is a numbered half."""
    header = single.peek(members)
    return header is not None and any(map(_parse, header.tensors))


def facts(members: Members) -> Facts:
    """What the header says."""
    name, header = single.header_of(members)
    modules, rest = factors.group(header.tensors.values(), _parse, name)
    heads = [tensor for tensor in rest if HEAD.fullmatch(tensor.name)]
    pairs = factors.pairs_of(modules)
    with members.open(name) as stream:
        zero = untrained.findings(stream, {m: list(parts.values()) for m, parts in modules.items()}, name)
    return Facts(
        format="lora-vit",
        type="LORA",
        details=_head(heads),
        findings=(
            *factors.missing_half(modules, name),
            *factors.odd_shapes(pairs, name),
            *factors.unexplained([tensor for tensor in rest if tensor not in heads], name),
            *zero,
        ),
        **{
            **factors.counts(modules, factors.ranks_of(pairs)),
            "targets": tuple(sorted({_target(module) for module in modules})),
        },
    )


def _parse(name: str) -> tuple[str, str] | None:
    found = KEY.fullmatch(name)
    return (str(int(found["number"])), "down" if found["half"] == "a" else "up") if found else None


def _target(module: str) -> str:
    return "value" if int(module) % 2 else "query"


def _head(heads: list[TensorInfo]) -> dict[str, Any]:
    for tensor in heads:
        if found := HEAD.fullmatch(tensor.name):
            return {"head": {"in": int(found["into"]), "out": int(found["out"])}}
    return {}
