"""In which tensors two bases differ, told from their cards, after the naming rules: a saved prefix is no difference."""

from dataclasses import dataclass
from typing import final

from adapterhub.base.card import Card
from adapterhub.base.names import match
from adapterhub.base.row import TensorRow
from adapterhub.base.same import is_copy, same_bytes, same_files

__all__ = ["Difference", "difference"]


@final
@dataclass(frozen=True)
class Difference:
    """Names of tensors as the first base has them, but for `only_b`; `names` says what the second calls them.

    `changed` have other bytes; those of `cast` among them are copies in bf16. Of `untold` one side has no digest.
    """

    rule: str
    names: dict[str, str]
    same: tuple[str, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    reshaped: tuple[str, ...]
    changed: tuple[str, ...]
    cast: tuple[str, ...]
    untold: tuple[str, ...]


def difference(a: Card, b: Card) -> Difference:
    """What the cards tell."""
    rule, names = _names(a, b)
    kinds: dict[str, list[str]] = {kind: [] for kind in ("same", "reshaped", "changed", "cast", "untold")}
    alike = same_files(a, b)
    for name, other in sorted(names.items()):
        kind = _kind(a.by_name[name], b.by_name[other], alike)
        kinds[kind].append(name)
    found = {kind: tuple(rows) for kind, rows in kinds.items()}
    return Difference(
        rule=rule,
        names=names,
        only_a=tuple(sorted(a.by_name.keys() - names.keys())),
        only_b=tuple(sorted(b.by_name.keys() - set(names.values()))),
        **{**found, "changed": tuple(sorted((*found["changed"], *found["cast"])))},
    )


def _names(a: Card, b: Card) -> tuple[str, dict[str, str]]:
    """What each tensor of the first base is called in the second, and by which rule."""
    modules = {name: name.rpartition(".") for name in a.by_name}
    there = {name.rpartition(".")[0] for name in b.by_name}
    naming = match(dict.fromkeys(module for module, _, _ in modules.values()), there, a.model_type)
    names = {name: f"{naming.rewrite(module)}{dot}{last}" for name, (module, dot, last) in modules.items()}
    return naming.rule, {name: other for name, other in names.items() if other in b.by_name}


def _kind(one: TensorRow, other: TensorRow, alike: bool) -> str:
    if one.shape != other.shape:
        return "reshaped"
    if alike or same_bytes(one, other):
        return "same"
    if one.sha256 is None or other.sha256 is None:
        return "changed" if one.dtype != other.dtype else "untold"
    return "cast" if is_copy(one, other) else "changed"
