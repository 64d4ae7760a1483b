"""Whose trained tokens and whole tensors a fuse uses: what stands in place of something is chosen, never blended.

Whole tensors are one adapter's altogether (`compose.choice`). Trained tokens are several adapters', as long as each
token is one's; where it is not, the chosen one's goes before. An embedding that is used whole has no tokens of others.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from torch import Tensor

from adapterhub.base.fold import sentence
from adapterhub.compose import choice
from adapterhub.compose.checkpoints.brought import place_of
from adapterhub.compose.checkpoints.targets import One, Part
from adapterhub.errors import Refused
from adapterhub.lora.adapter import Rows

__all__ = ["unused", "whose"]

Tokens = dict[str, set[int]]
"""The trained tokens by embedding, as the base calls it."""


def whose(ones: Sequence[One], parts: Sequence[Part], choose: str | None) -> list[One]:
    """The adapters with nothing but what is used of them. parts: as given, with what is the base's own."""
    owner = _owner(ones, parts, choose)
    whole = {place for one in ones if one.name == owner for place in _whole(one)}
    first = next((_tokens(one) for one in ones if one.name == choose), {})
    left = [
        replace(
            one,
            adapter=replace(
                one.adapter,
                tensors=one.adapter.tensors if one.name == owner else {},
                rows=_rows(one, () if one.name == owner else whole, {} if one.name == choose else first),
            ),
        )
        for one in ones
    ]
    if clashes := [words for one, other in combinations(left, 2) for words in _clashes(one, other)]:
        raise Refused("; ".join(clashes), hint="choose one of them (choose, --choose), or give the other a weight of 0")
    return left


def unused(before: Sequence[One], after: Sequence[One]) -> Iterator[str]:
    """What was left out, in words."""
    used = next((_placed(one) for one in after if one.adapter.tensors), {})
    for one, other in zip(before, after, strict=True):
        gone = [name for name in one.adapter.tensors if name not in other.adapter.tensors]
        gone = [] if gone and choice.same(_placed(one), used) else gone
        gone += [name for name in one.adapter.rows if name not in other.adapter.rows]
        for module, rows in other.adapter.rows.items():
            lost = set(one.adapter.rows[module].indices) - set(rows.indices)
            gone += [f"token {_some(lost)} of {module}"] if lost else []
        if gone:
            yield f"of {one.name}, {sentence(gone)} is not used: another adapter's was chosen"


def _owner(ones: Sequence[One], parts: Sequence[Part], choose: str | None) -> str | None:
    """Whose whole tensors are used. One that brings nothing but the base's own has a say where it is chosen."""
    copied = {name for name, adapter, _ in parts if adapter.tensors and name == choose}
    carried = {one.name: [*one.adapter.tensors, *_rivals(one, ones)] for one in ones}
    carriers = {one.name: one.weight for one in ones if carried[one.name] or one.name in copied}
    carriers = choice.distinct(carriers, {one.name: _placed(one) for one in ones}, choose)
    if choose not in carriers and any(one.name == choose and one.adapter.rows for one in ones):
        choose = None  # it was chosen for its tokens
    what = sentence({name for some in carried.values() for name in some}) or "whole tensors"
    if found := list(choice.faults(carriers, choose, [name for name, _, _ in parts], what)):
        raise Refused("; ".join(found), hint="an adapter of weight 0 has no say")
    return choice.chosen(carriers, choose)


def _rivals(one: One, ones: Sequence[One]) -> list[str]:
    """The embeddings of its tokens that another adapter brings whole."""
    theirs = {place for other in ones if other.name != one.name for place in _whole(other)}
    return [module for module in one.adapter.rows if _embedding(one, module) in theirs]


def _rows(one: One, without: Collection[str], taken: Mapping[str, set[int]]) -> dict[str, Rows]:
    """Its trained tokens that are used."""
    kept = {}
    for module, rows in one.adapter.rows.items():
        place = _embedding(one, module)
        left = [n for n, index in enumerate(rows.indices) if index not in taken.get(place, ())]
        if left and place not in without:
            kept[module] = Rows(tuple(rows.indices[n] for n in left), rows.values[left])
    return kept


def _clashes(one: One, other: One) -> Iterator[str]:
    theirs = _tokens(other)
    for place, tokens in _tokens(one).items():
        if both := tokens & theirs.get(place, set()):
            yield f"{one.name} and {other.name} each trained token {_some(both)} of {place}"


def _some(tokens: Collection[int]) -> str:
    told = ", ".join(map(str, sorted(tokens)[:6]))
    return told if len(tokens) <= 6 else f"{told} and {len(tokens) - 6} more"


def _tokens(one: One) -> Tokens:
    return {_embedding(one, module): set(rows.indices) for module, rows in one.adapter.rows.items()}


def _embedding(one: One, module: str) -> str:
    return f"{one.naming.rewrite(module)}.weight"


def _whole(one: One) -> set[str]:
    return set(_placed(one))


def _placed(one: One) -> dict[str, Tensor]:
    """Its whole tensors, by what they are called in the base."""
    return {place_of(one.all.base, one.naming, name): tensor for name, tensor in one.adapter.tensors.items()}
