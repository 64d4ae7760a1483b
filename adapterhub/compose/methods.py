"""How adapters become one: one light table of methods, with their parameters and their sources.

A method is a pure function from the updates of one weight and their weights to one update. There are three kinds:

    factors     the factors laid side by side: exact, of rank Σ rᵢ (`merge.py`)
    core        on the updates in the small space they share, without loss (`linear.py`, `spectral.py`)
    elements    on their elements: each is pruned, then all are added, or vote on the sign first (`elements.py`)

Elements are those of ΔW itself, of the cores, or of the right singular vectors the updates share: never those of the
factors, which are not determined by the update. To add a method, write the function and one row here.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, final

__all__ = ["METHODS", "Method", "Param", "method_faults", "settle"]

Seen = Literal["factors", "core", "updates", "cores", "aligned"]


@final
@dataclass(frozen=True)
class Param:
    """A number a method takes: its default and the bounds of what makes sense, which it may reach unless `above`."""

    default: float
    about: str
    low: float = 0.0
    high: float = math.inf
    above: bool = False

    def fits(self, value: float) -> bool:
        """Whether a value is allowed."""
        return math.isfinite(value) and (self.low < value if self.above else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        words = f"{'above' if self.above else 'from'} {self.low:g}"
        bounds = words if math.isinf(self.high) else f"{words} to {self.high:g}"
        return f"{self.about}; {bounds}, {self.default:g} unless given"


@final
@dataclass(frozen=True)
class Method:
    """One row. `seen`: what the function is given; `function`: its `file:name`, none for a sum; `vote`: elect signs."""

    about: str
    seen: Seen
    function: str
    source: str
    params: Mapping[str, Param]
    vote: bool = False
    full: bool = False
    """Whether the result keeps all its rank unless a smaller one is asked for."""
    most: int | None = None
    """How many adapters it takes, at weights above 0; None is any number, at any weight."""
    linear: bool = False
    """Whether the result is a weighted sum, so that vectors can be added with the same weights."""
    seeded: bool = False
    """Whether it drops by chance."""


def _params(density: float, **more: Param) -> dict[str, Param]:
    kept = Param(density, "the part of the elements that is kept", 0.0, 1.0, above=True)
    return {"density": kept, **more, **SCALE}


SCALE = {"scale": Param(1.0, "what the result is multiplied by", 0, above=True)}
FIFTH, HALF = _params(0.2), _params(0.5)
RANKED = _params(0.5, spread=Param(0.2, "how much likelier a row's largest is kept than its smallest", 0, 1))
MIDDLE = _params(0.9, outliers=Param(0.01, "the part of the elements, the largest, that is left out", 0, 1))
TRIPLETS = {"keep": Param(1.0, "the part of each update's singular triplets that is kept", 0, 1, above=True), **SCALE}

TIES, DARE, DELLA = "arXiv:2306.01708", "arXiv:2311.03099", "arXiv:2406.11617"
CRUMBS, CORE, KNOTS = "arXiv:2312.06795", "arXiv:2509.17786", "arXiv:2410.19735"
TSV, ISO, YOUNG = "arXiv:2412.00081", "arXiv:2502.04959", "doi:10.1007/BF02288367"
SPHERE, MEAN = "doi:10.1145/325165.325242", "doi:10.1002/cpa.3160300502"


def _pruned(
    about: str, prune: str, source: str, params: Mapping[str, Param], *, seen: Seen = "updates", vote: bool = False
) -> Method:
    return Method(about, seen, f"elements:{prune}", source, params, vote=vote, seeded="drop" in prune)


# fmt: off
METHODS = {
    "sum": Method("the exact weighted sum, of rank Σ r", "factors", "", "by definition", {}, full=True, linear=True),
    "svd": Method("the weighted sum, cut to the best update of its rank", "factors", "", YOUNG, {}, linear=True),
    "slerp": Method("two updates, along the great circle", "core", "linear:slerp", SPHERE, SCALE, most=2),
    "karcher": Method("the mean direction on the sphere", "core", "linear:karcher", MEAN, SCALE),
    "ties": _pruned("trim, elect signs, mean of those that agree", "trim", TIES, FIFTH, vote=True),
    "magnitude_prune": _pruned("trim, add", "trim", TIES, HALF),
    "dare_linear": _pruned("drop by chance, rescale, add", "drop", DARE, HALF),
    "dare_ties": _pruned("drop by chance, rescale, elect signs", "drop", DARE, HALF, vote=True),
    "della": _pruned("drop by chance and size, elect signs", "rank_drop", DELLA, RANKED, vote=True),
    "della_linear": _pruned("drop by chance and size, add", "rank_drop", DELLA, RANKED),
    "breadcrumbs": _pruned("leave out the small and the largest, add", "band", CRUMBS, MIDDLE),
    "breadcrumbs_ties": _pruned("breadcrumbs, then elect signs", "band", CRUMBS, MIDDLE, vote=True),
    "knots": _pruned("ties on the shared right singular vectors", "trim", KNOTS, FIFTH, seen="aligned", vote=True),
    "core_ties": _pruned("ties in the space they share", "trim", CORE, FIFTH, seen="cores", vote=True),
    "core_dare": _pruned("dare_linear in the space they share", "drop", CORE, HALF, seen="cores"),
    "tsv": Method("singular vectors of all, made orthogonal", "core", "spectral:tsv", TSV, TRIPLETS),
    "iso_c": Method("the sum with equal singular values", "core", "spectral:iso_c", ISO, SCALE, full=True),
}
# fmt: on


def method_faults(name: str, settings: Mapping[str, float]) -> Iterator[str]:
    """What is wrong with a method and its parameters; nothing if it can be used."""
    if name not in METHODS:
        yield f"no method is called {name!r}: there are {', '.join(METHODS)}"
        return
    params = METHODS[name].params
    for key, value in settings.items():
        if key not in params:
            yield f"{name} has no parameter {key!r}: it takes {', '.join(params) or 'none'}"
        elif not params[key].fits(value):
            yield f"{name}: {key} is {value:g}: {params[key]}"


def settle(name: str, settings: Mapping[str, float]) -> dict[str, float]:
    """All parameters of a method, as set or by default."""
    return {key: float(settings.get(key, param.default)) for key, param in METHODS[name].params.items()}
