"""Whose is used of what stands in place of the model's own, for the weights as they are: it is chosen, never blended.

Whole tensors are one adapter's. Trained tokens are several adapters', as long as each token is one's; an embedding that
is used whole has no tokens of others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from adapterhub.base.fold import sentence
from adapterhub.compose.choice import chosen, distinct, faults, same
from adapterhub.compose.live.fit import Fit
from adapterhub.compose.live.mixture import Mixture
from adapterhub.errors import Refused

__all__ = ["settle"]

HINT = "name it: stack.choose, or choose= where an adapter is attached; or give the others a weight of 0"


def settle(fits: Mapping[str, Fit], mixture: Mixture) -> Mixture:
    """The mixture, and whose whole tensors it uses; `Refused` where that is not said, or not the same in all rows."""
    places = sentence(f"{path}.{leaf}".lstrip(".") for fit in fits.values() for path, leaf in fit.tensors)
    heads = dict.fromkeys(_head(fits, row, mixture.choose, places) for row in mixture.rows)
    bearers = [name for name in heads if name is not None]
    whole = next(iter(bearers), None)
    if whole is not None and (None in heads or not _alike([fits[name] for name in bearers])):
        raise Refused(
            f"{whole} puts whole tensors in place of the model's ({places}), for all rows or for none",
            hint="name it in every row, or in none",
        )
    mixture = replace(mixture, whole=whole, without=_without(fits, whole))
    for on in dict.fromkeys(tuple(name for name in fits if row.get(name)) for row in mixture.rows):
        _tokens(fits, on, mixture)
    return mixture


def _head(fits: Mapping[str, Fit], row: Mapping[str, float], choose: str | None, places: str) -> str | None:
    """Whose whole tensors are used; those that are the model's already count only where they are chosen."""
    on = {name: fit for name, fit in fits.items() if row.get(name)}
    whole = {path for fit in on.values() for path, leaf in fit.tensors if leaf == "weight"}
    carriers = {
        name: row[name]
        for name, fit in on.items()
        if fit.tensors or (fit.copies and name == choose) or whole.intersection(fit.rows)
    }
    if choose is not None and (choose not in on or (choose not in carriers and fits[choose].rows)):
        choose = None  # it is off, or it was chosen for its tokens
    if choose is None and len(carriers) > 1:
        carriers = distinct(carriers, {name: fits[name].tensors for name in carriers}, choose)
    for fault in faults(carriers, choose, list(fits), f"whole tensors ({places})"):
        raise Refused(fault, hint=HINT)
    return chosen(carriers, choose)


def _alike(fits: Sequence[Fit]) -> bool:
    return all(same(fits[0].tensors, other.tensors) for other in fits[1:])


def _without(fits: Mapping[str, Fit], whole: str | None) -> frozenset[str]:
    """Embeddings that are put in place whole, and output layers that share them."""
    tensors = fits[whole].tensors if whole is not None else {}
    put = {path for path, leaf in tensors if leaf == "weight"}
    gone = {id(fit.claims[path].rows) for fit in fits.values() for path in put.intersection(fit.rows)}
    return frozenset(path for fit in fits.values() for path in fit.rows if id(fit.claims[path].rows) in gone)


def _tokens(fits: Mapping[str, Fit], on: Iterable[str], mixture: Mixture) -> None:
    """Nothing if every trained token is one adapter's; the chosen one's go before."""
    taken: dict[tuple[str, int], str] = {}
    choose = mixture.choose
    for name in sorted(on, key=lambda one: one != choose):
        for path, indices in fits[name].rows.items():
            if path in mixture.without:
                continue
            both = [index for index in indices if taken.setdefault((path, index), name) not in (name, choose)]
            if both:
                told = ", ".join(map(str, both[:6])) + (f" and {len(both) - 6} more" if len(both) > 6 else "")
                raise Refused(
                    f"{taken[path, both[0]]} and {name} each trained token {told} of {path}, "
                    "and one cannot stand for both",
                    hint=HINT,
                )
