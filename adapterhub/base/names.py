"""Which module of a base an adapter's module means: the named rules, tried one after the other.

A checkpoint, the model that saved it and the model a user loads do not always agree on names. Each way in which they
differ is a row in `base/naming`, data with its source. A rule rewrites names and works on plain lists of them, so the
audit (names of tensors in headers) and the stack (names of live modules) share it, and each is read in both directions.

    prefix        bert.encoder.layer.0…             encoder.layer.0…          a model with its head, the bare model
    vit           encoder.layer.0.attention.attention.query   layers.0.attention.q_proj     transformers 4, 5
    wrapper       language_model.model.layers.0…    model.language_model.layers.0…    images and text: on disk, live
    conv1d        the weight is stored (in, out), not (out, in)
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import final

from adapterhub.base.naming.conv1d import transposed
from adapterhub.base.naming.phrases import Rewrite, joined
from adapterhub.base.naming.prefixes import prefixes, unwrapped
from adapterhub.base.naming.renames import renames
from adapterhub.base.naming.wrappers import wrappers

__all__ = ["Naming", "match", "transposed"]

Begins = Callable[[str], bool]
Way = tuple[str, Rewrite]


@final
@dataclass(frozen=True)
class Naming:
    """What each module of an adapter is called in the base; `rule` says how that was found.

    `rewrite` applies the same rule to any other name of the adapter.
    """

    rule: str
    rewrite: Rewrite
    targets: dict[str, str]
    missing: tuple[str, ...]


def match(modules: Iterable[str], available: Collection[str], model_type: str | None) -> Naming:
    """The rule under which most modules are found among the available names; of equals the first, identity before all.

    >>> match(["bert.encoder.layer.0.output.dense"], {"encoder.layer.0.output.dense"}, "bert").rule
    'prefix bert. left out'
    """
    wanted, there = list(modules), available if isinstance(available, set | frozenset | dict) else set(available)
    best = _try("identity", _same, wanted, there)
    ways = _ways(wanted, there, model_type) if best.missing else iter(())
    for rule, rewrite in ways:
        naming = _try(rule, rewrite, wanted, there)
        if len(naming.targets) > len(best.targets):
            best = naming
        if not best.missing:
            break
    return best


def _try(rule: str, rewrite: Rewrite, wanted: list[str], there: Collection[str]) -> Naming:
    targets = {module: name for module in wanted if (name := rewrite(module)) in there}
    if len(set(targets.values())) < len(targets):
        targets = {}  # two modules would become one
    return Naming(rule, rewrite, targets, tuple(module for module in wanted if module not in targets))


def _ways(wanted: list[str], there: Collection[str], model_type: str | None) -> Iterator[Way]:
    """Every rule but identity that may apply, plain ones first; then those of different kinds one after the other."""
    in_base = _beginnings(there)
    yield from _plain(wanted, in_base, model_type)
    for name, rewrite in unwrapped(_beginnings(wanted), in_base):
        bare = [rewrite(module) for module in wanted]
        for rule, change in _plain(bare, in_base, model_type):
            yield f"{name}, {rule}", joined(rewrite, change)


def _plain(wanted: list[str], there: Begins, model_type: str | None) -> Iterator[Way]:
    yield from _outer(wanted, there, model_type)
    for name, rewrite in renames(model_type):
        renamed = [rewrite(module) for module in wanted]
        if renamed == wanted:
            continue
        yield name, rewrite
        for rule, change in _outer(renamed, there, model_type):
            yield f"{name}, {rule}", joined(rewrite, change)


def _outer(wanted: list[str], there: Begins, model_type: str | None) -> Iterator[Way]:
    """The rules about how names begin."""
    begins = _beginnings(wanted)
    yield from prefixes(model_type, begins, there)
    yield from wrappers(begins, there)


def _beginnings(names: Iterable[str]) -> Begins:
    """Whether any name begins with a word or two, and a dot."""
    words = [name.split(".", 3) for name in names]
    known = {f"{one[0]}." for one in words if len(one) > 1} | {f"{one[0]}.{one[1]}." for one in words if len(one) > 2}
    return known.__contains__


def _same(module: str) -> str:
    return module
