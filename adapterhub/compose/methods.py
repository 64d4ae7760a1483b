"""How adapters are put together: one light table, and what must hold before anything is computed."""

import math
from collections.abc import Iterable, Mapping, Sequence

from adapterhub.base.fold import sentence
from adapterhub.errors import DoesNotFit, WrongUsage

__all__ = ["METHODS", "Shape", "check_method", "check_shapes", "check_weights"]

METHODS = {"sum": "the exact weighted sum; its rank is the sum of the ranks"}

Shape = tuple[int, int]
"""(out, in) of a weight."""


def check_method(method: str) -> None:
    """`WrongUsage` unless there is such a method."""
    if method not in METHODS:
        raise WrongUsage(f"no method is called {method!r}", hint=f"methods: {', '.join(METHODS)}")


def check_weights(weights: Sequence[float]) -> None:
    """`WrongUsage` unless all are numbers and at least one is not 0."""
    for place, weight in enumerate(weights, 1):
        if not math.isfinite(weight):
            raise WrongUsage(f"the weight of adapter {place} is {weight}", hint="a weight is a finite number")
    if not any(weights):
        raise WrongUsage(
            f"nothing to merge: {'every weight is 0' if weights else 'no adapter is named'}",
            hint="give at least one adapter a weight other than 0",
        )


def check_shapes(parts: Iterable[Mapping[str, Shape]]) -> None:
    """`DoesNotFit` where two adapters change weights of one name and different shapes."""
    met: dict[str, dict[Shape, None]] = {}
    for shapes in parts:
        for module, shape in shapes.items():
            met.setdefault(module, {})[shape] = None
    clashes = {module: list(shapes) for module, shapes in met.items() if len(shapes) > 1}
    if clashes:
        module, clash = next(iter(clashes.items()))
        raise DoesNotFit(
            f"the adapters change weights of different shapes at {sentence(clashes)}: "
            f"{module} is {' in one, '.join(f'{out}×{into}' for out, into in clash)} in another",
            hint="they were trained on different bases and have no sum",
        )
