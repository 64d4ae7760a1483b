"""LoRA files of cloneofsimo/lora: layers by number in the order the model has them, their classes in the metadata.

    unet:0:down (r, in)     unet:0:up (out, r)     text_encoder:0:down …     <s1> (dim,): a token learned beside them
    metadata: unet = ["CrossAttention", …]: the classes whose linear layers were numbered     unet:0:rank = "4"

update of the weight := up @ down; there is no alpha.
"""

import json
import re
from collections import Counter

from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats import factors, single, untrained
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members

__all__ = ["claims", "facts"]

KEY = re.compile(r"(?P<model>\w+):(?P<layer>\d{1,9}):(?P<part>up|down)")
TOKEN = "<embed>"
MANY_TOKENS = 64


def claims(members: Members) -> bool:
    """Whether a tensor of the file is named by model, number and part."""
    header = single.peek(members)
    return header is not None and any(map(_parse, header.tensors))


def facts(members: Members) -> Facts:
    """What the header says."""
    name, header = single.header_of(members)
    modules, rest = factors.group(header.tensors.values(), _parse, name)
    tokens = [tensor for tensor in rest if header.metadata.get(tensor.name) == TOKEN or _is_token(tensor)]
    pairs = factors.pairs_of(modules)
    with members.open(name) as stream:
        zero = untrained.findings(stream, {m: list(parts.values()) for m, parts in modules.items()}, name)
    models = Counter(module.partition(":")[0] for module in modules)
    return Facts(
        format="cloneofsimo",
        type="LORA",
        details={
            "components": dict(models),
            **({"tokens": [token.name for token in tokens[:MANY_TOKENS]]} if tokens else {}),
        },
        findings=(
            *factors.missing_half(modules, name),
            *factors.odd_shapes(pairs, name),
            *factors.unexplained([tensor for tensor in rest if tensor not in tokens], name),
            *zero,
            *_other_ranks(header.metadata, factors.ranks_of(pairs), name),
        ),
        **{**factors.counts(modules, factors.ranks_of(pairs)), "targets": _classes(header.metadata, models)},
    )


def _parse(name: str) -> tuple[str, str] | None:
    found = KEY.fullmatch(name)
    return (f"{found['model']}:{int(found['layer'])}", found["part"]) if found else None


def _is_token(tensor: TensorInfo) -> bool:
    return tensor.name.startswith("<") and tensor.name.endswith(">") and len(tensor.shape) == 1


def _classes(metadata: dict[str, str], models: Counter[str]) -> tuple[str, ...]:
    """The classes of layers the metadata names, sorted. What cannot be read names none."""
    classes: set[str] = set()
    for model in models:
        try:
            said = json.loads(metadata.get(model, "[]"))
        except (ValueError, RecursionError):
            continue
        classes.update(word for word in said if _is_name(word)) if isinstance(said, list) else ()
    return tuple(sorted(classes))


def _is_name(word: object) -> bool:
    return isinstance(word, str) and word.isidentifier()


def _other_ranks(metadata: dict[str, str], ranks: dict[str, int], name: str) -> list[Finding]:
    """Where the metadata gives another rank than the tensors have."""
    other = [m for m, rank in ranks.items() if metadata.get(f"{m}:rank", str(rank)) != str(rank)]
    if not other:
        return []
    said = metadata[f"{other[0]}:rank"][:20]
    message = f"{len(other)} ranks in the metadata are not those of the tensors, which count: {other[0]} says {said!r}"
    return [Finding(check="rank-differs", severity="warning", place=name, message=message)]
