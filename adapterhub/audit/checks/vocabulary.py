"""The check of resized vocabularies: an embedding or output layer with more rows, or fewer, than the base's.

Bases are padded to a multiple of 64 or so for speed, and adapters are trained with tokens added: the first is told from
the second by the numbers alone, where they say it.
"""

from collections.abc import Iterator

from adapterhub.audit.checks.words import which_base
from adapterhub.audit.pair import Pair
from adapterhub.audit.report import Mismatch
from adapterhub.base.fold import sentence
from adapterhub.finding import Finding, Severity
from adapterhub.formats.peft_tensor_checks import EMBEDDINGS

__all__ = ["is_vocabulary", "look", "resized"]

NAMES = frozenset({*EMBEDDINGS, "output_projection", "tok_embeddings", "vocab_projector"})
MULTIPLES = (8, 16, 32, 64, 128, 256, 512, 1024)

Shape = tuple[int, ...]


def is_vocabulary(module: str) -> bool:
    """Whether a module has a row for each token, by its name.

    >>> is_vocabulary("model.embed_tokens"), is_vocabulary("model.layers.0.q_proj")
    (True, False)
    """
    return module.rpartition(".")[2] in NAMES


def resized(wrong: Mismatch) -> bool:
    """Whether two shapes differ by rows of a vocabulary only."""
    return is_vocabulary(wrong.module) and _rows_differ(wrong.adapter, wrong.base)


def look(pair: Pair) -> Iterator[Finding]:
    """What has other rows than the base: factors do not fit then, whole tensors want the base resized."""
    factors = [(wrong.module, wrong.adapter, wrong.base) for wrong in pair.mismatched if resized(wrong)]
    yield from _told(pair, factors, "error")
    yield from _told(pair, list(_saved(pair)), "warning")
    for module, rows in pair.adapter.tokens.items():
        there = _in_base(pair, f"{module}.weight")
        if there and rows and max(rows) >= there[0]:
            yield Finding(
                check="vocabulary",
                severity="error",
                place=module,
                message=f"the adapter trains row {max(rows)}, and {pair.base.name} has {there[0]} rows, one a token",
                remedy=f"resize the base first: model.resize_token_embeddings({max(rows) + 1}); {which_base(pair)}",
            )


def _saved(pair: Pair) -> Iterator[tuple[str, Shape, Shape]]:
    for name, shape in pair.adapter.saved.items():
        there = _in_base(pair, name) if is_vocabulary(name.removesuffix(".weight")) else None
        if there and _rows_differ(shape, there):
            yield name, shape, there


def _in_base(pair: Pair, tensor: str) -> Shape | None:
    name = pair.in_base(tensor)
    if (row := pair.base.named.get(name)) is not None:
        return row.shape
    weight = pair.base.reachable.get(name.removesuffix(".weight"))
    return weight.shape if weight else None


def _rows_differ(one: Shape, other: Shape) -> bool:
    return len(one) == len(other) == 2 and one[0] != other[0] and one[1] == other[1]


def _told(pair: Pair, found: list[tuple[str, Shape, Shape]], severity: Severity) -> Iterator[Finding]:
    sizes: dict[tuple[int, int], list[str]] = {}
    for name, (mine, _), (theirs, _) in found:
        sizes.setdefault((mine, theirs), []).append(name)
    for (mine, theirs), names in sizes.items():
        more = "more" if mine > theirs else "fewer"
        yield Finding(
            check="vocabulary",
            severity=severity,
            place=sentence(names),
            message=f"the adapter has {mine} rows, one a token: {abs(mine - theirs)} {more} than the {theirs} of "
            f"{pair.base.name}{_padding(mine, theirs)}",
            remedy=f"resize the base first: model.resize_token_embeddings({mine}); {which_base(pair)}",
        )


def _padding(mine: int, theirs: int) -> str:
    small, large = sorted((mine, theirs))
    multiple = next((m for m in MULTIPLES if large - small < m and -(-small // m) * m == large), None)
    if multiple is None:
        return ""
    which = "the adapter's base" if mine > theirs else "this base"
    return f"; {large} is {small} rounded up to a multiple of {multiple}, so {which} may only be padded"
