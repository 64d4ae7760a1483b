"""What a LoRA file of any dialect comes down to: modules, and for each the tensors that play a part in it.

A dialect gives a function from a tensor's name to (module, part); parts are `down` (r, in), `up` (out, r), `alpha` and
whatever else it has. What follows is the same for all: pairs that fit, halves that are missing, ranks, leaf names.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from adapterhub.errors import Corrupt
from adapterhub.finding import Finding
from adapterhub.formats.header import TensorInfo, commonest_dtype

__all__ = [
    "Modules",
    "Pair",
    "counts",
    "group",
    "leaf",
    "missing_half",
    "no_factors",
    "odd_shapes",
    "pairs_of",
    "ranks_of",
    "unexplained",
]

Modules = dict[str, dict[str, TensorInfo]]
"""module -> part -> tensor"""

SMALL = frozenset({"alpha"})
"""Parts that are settings rather than parameters."""


def group(
    tensors: Iterable[TensorInfo], parse: Callable[[str], tuple[str, str] | None], what: str
) -> tuple[Modules, list[TensorInfo]]:
    """The tensors by module and part, and those the dialect does not know. `Corrupt` if two claim one part."""
    modules: Modules = {}
    rest = []
    for tensor in tensors:
        parsed = parse(tensor.name)
        if parsed is None:
            rest.append(tensor)
            continue
        module, part = parsed
        parts = modules.setdefault(module, {})
        if part in parts:
            raise Corrupt(
                f"{what}: {tensor.name!r} and {parts[part].name!r} are both the {part} of {module!r}",
                hint="save the adapter again under one naming: two tensors mean the same",
            )
        parts[part] = tensor
    return modules, rest


class Pair(NamedTuple):
    """Two factors of a module that are multiplied; `axes` are where the rank stands in `down` and in `up`."""

    module: str
    down: TensorInfo | None
    up: TensorInfo | None
    axes: tuple[int, int] = (0, 1)

    @property
    def ranks(self) -> list[int]:
        """The rank each of the two has, as far as they are there and matrices."""
        both = zip((self.down, self.up), self.axes, strict=True)
        return [tensor.shape[axis] for tensor, axis in both if tensor is not None and len(tensor.shape) > 1]

    @property
    def fits(self) -> bool:
        """Whether the two can be multiplied. One alone cannot be wrong; a grouped convolution has a rank per group."""
        if self.down is None or self.up is None:
            return True
        if len(self.ranks) < 2 or 0 in (*self.down.shape, *self.up.shape):
            return False
        down, up = self.ranks
        return down == up or (len(self.down.shape) == 4 and down % up == 0)


def pairs_of(modules: Modules, axes: tuple[int, int] = (0, 1)) -> list[Pair]:
    """The `down` and `up` of every module."""
    return [Pair(module, parts.get("down"), parts.get("up"), axes) for module, parts in modules.items()]


def ranks_of(pairs: Iterable[Pair]) -> dict[str, int]:
    """The rank of every module that has one, the largest of its pairs'."""
    ranks: dict[str, int] = {}
    for pair in pairs:
        for rank in pair.ranks[:1]:
            ranks[pair.module] = max(rank, ranks.get(pair.module, 0))
    return ranks


def counts(modules: Modules, ranks: Mapping[str, int]) -> dict[str, Any]:
    """The fields of the facts that every file of factors has."""
    known = Counter(ranks.values())
    tensors = [tensor for parts in modules.values() for part, tensor in parts.items() if part not in SMALL]
    return {
        "rank": max(known, default=None),
        "ranks": {str(rank): known[rank] for rank in sorted(known)},
        "modules": len(modules),
        "targets": tuple(sorted({leaf(module) for module in modules})),
        "dtype": commonest_dtype(tensors),
        "parameters": sum(tensor.parameters for tensor in tensors),
    }


def leaf(module: str) -> str:
    """The last part of a module's path that is a word, with the numbers behind it.

    >>> leaf("model.layers.3.self_attn.q_proj"), leaf("mid_block.attn1.to_out.0")
    ('q_proj', 'to_out.0')
    """
    parts = module.split(".")
    last = len(parts) - 1
    while last > 0 and parts[last].isdigit():
        last -= 1
    return ".".join(parts[last:])


def missing_half(modules: Modules, what: str, parts: Iterable[str] = ("down", "up")) -> list[Finding]:
    """One finding for every part that some modules lack."""
    findings = []
    for part in parts:
        lacking = [module for module, has in modules.items() if part not in has]
        if lacking:
            findings.append(
                Finding(
                    check="missing-half",
                    severity="error",
                    place=what,
                    message=f"{len(lacking)} of {len(modules)} modules have no {part} factor: {_some(lacking)}",
                    remedy="the adapter cannot be applied; save it again with both halves of every pair",
                )
            )
    return findings


def odd_shapes(pairs: Iterable[Pair], what: str) -> list[Finding]:
    """A finding for factors that cannot be multiplied."""
    odd = [
        f"{pair.module} (down {list(pair.down.shape)}, up {list(pair.up.shape)})"
        for pair in pairs
        if not pair.fits and pair.down and pair.up
    ]
    if not odd:
        return []
    message = f"factors that cannot be multiplied in {len(odd)} modules: {_some(odd)}"
    remedy = "the two belong to different adapters, or one is transposed: save them again"
    return [Finding(check="factor-shapes", severity="error", place=what, message=message, remedy=remedy)]


def unexplained(rest: Iterable[TensorInfo], what: str) -> list[Finding]:
    """A finding for tensors the dialect does not know."""
    names = [tensor.name for tensor in rest]
    if not names:
        return []
    message = f"{len(names)} tensors are none of the format's: {_some(names)}"
    return [Finding(check="unexplained-tensors", severity="warning", place=what, message=message)]


def no_factors(modules: Modules, what: str) -> list[Finding]:
    """A finding for a file without any module."""
    if modules:
        return []
    remedy = "nothing was saved, or under other names: save the adapter again"
    message = "no tensor has the name of a factor"
    return [Finding(check="no-factors", severity="error", place=what, message=message, remedy=remedy)]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(name[:200] for name in names[:3]) + more
