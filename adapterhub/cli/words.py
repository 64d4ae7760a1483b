"""The words several commands share, and `key=value` pairs."""

from collections.abc import Iterable
from typing import Annotated, Literal

import typer

from adapterhub.errors import WrongUsage
from adapterhub.number import number

__all__ = [
    "Base",
    "Choose",
    "Energy",
    "Expression",
    "Misfit",
    "Partial",
    "Rank",
    "Reference",
    "Require",
    "Seed",
    "Word",
    "numbers",
    "values",
]

Reference = Annotated[
    str,
    typer.Argument(metavar="REF", help="namespace/name, or namespace/name@ with a version, an alias or sha256:…"),
]
Word = Annotated[
    str, typer.Argument(metavar="REF", help="A reference, or a folder: a word that begins with / ./ ../ or ~")
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="B",
        help="The base model: a ./folder, an entry of kind model, or the name of a base card.",
    ),
]
Expression = Annotated[
    str,
    typer.Argument(metavar="EXPR", help="A weighted sum, with + and - between spaces, or the path of a recipe file."),
]
Rank = Annotated[
    int | None, typer.Option("--rank", metavar="N", min=1, help="Cut the result to the best of this rank.")
]
Energy = Annotated[
    float | None,
    typer.Option("--energy", metavar="E", help="Cut to the fewest ranks that keep this part of the squared norm."),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", min=0, help="Where random numbers start; 0.")]
Choose = Annotated[
    str | None,
    typer.Option("--choose", metavar="REF", help="Whose heads and trained tokens are kept, where several have some."),
]

Partial = Annotated[
    bool, typer.Option("--partial", help="Allow a base in which only some of its modules have a place.")
]
Misfit = Annotated[bool, typer.Option("--misfit", help="Allow a base in which none of its modules has a place.")]
Require = Annotated[
    Literal["exact", "cast", "unpinned", "drifted", "partial", "misfit"],
    typer.Option(
        "--require",
        metavar="V",
        help="The worst verdict that is good enough, out of exact, cast, unpinned, drifted, …",
    ),
]


def _pairs(words: Iterable[str], what: str) -> Iterable[tuple[str, str]]:
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise WrongUsage(f"{what}: got {word!r}, wanted key=value", hint=f"write it as {what} accuracy=0.91")
        yield key, value


def numbers(words: Iterable[str], what: str) -> dict[str, float]:
    """Metrics as they are typed.

    >>> numbers(["accuracy=0.91"], "--metric")
    {'accuracy': 0.91}
    """
    read = {}
    for key, value in _pairs(words, what):
        if (measured := number(value)) is None:
            raise WrongUsage(f"{what} {key}: got {value!r}, wanted a finite number", hint=f"write {what} {key}=0.91")
        read[key] = float(measured)
    return read


def values(words: Iterable[str], what: str) -> dict[str, str | int | float]:
    """What a person notes down: whole and decimal numbers become numbers, everything else stays text.

    >>> values(["loss=0.2", "epochs=3", "data=digits v2", "seed="], "note")
    {'loss': 0.2, 'epochs': 3, 'data': 'digits v2', 'seed': ''}
    """
    return {key: text if (value := number(text)) is None else value for key, text in _pairs(words, what)}
