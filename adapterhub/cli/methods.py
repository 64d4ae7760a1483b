"""The table of methods as `merge --help` shows it."""

from collections.abc import Iterator

from adapterhub.compose.methods import METHODS

__all__ = ["method_help"]

WIDTH = max(map(len, METHODS)) + 2

ABOUT = """
Adapters of different ranks and targets meet exactly, and no result hangs on how an update is factored. The new entry
names its parents, their weights and its recipe. Without --rank or --energy, sum and iso_c keep all their rank, every
other method the largest of its parents'. What a cut loses is told exactly.
"""
RECIPE = """
A recipe file (YAML) says the same and more: weights and methods by module. `adapterhub schema recipe` prints what it
may hold.
"""


def method_help() -> str:
    """What merging does, every method with its parameters and its source, and every parameter."""
    parts = (ABOUT, _block(_methods()), "Parameters (--set):", _block(_params()), RECIPE)
    return "\n\n".join(part.strip() for part in parts)


def _block(lines: Iterator[str]) -> str:
    """Lines that are not wrapped."""
    return "\b\n" + "\n".join(lines)


def _methods() -> Iterator[str]:
    for name, row in METHODS.items():
        params = ", ".join(f"{key}={param.default:g}" for key, param in row.params.items())
        yield f"{name:{WIDTH}}{row.about}"
        yield f"{'':{WIDTH}}{params + '  ' if params else ''}{row.source}"


def _params() -> Iterator[str]:
    known = {key: param for row in METHODS.values() for key, param in row.params.items()}
    return (f"{key:{WIDTH}}{param.about}" for key, param in known.items())
