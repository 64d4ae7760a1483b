"""What a person writes of several adapters: an expression, or the path of a recipe file."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from adapterhub.compose.recipe import Recipe, of_expression
from adapterhub.errors import AdapterHubError, WrongUsage
from adapterhub.reference import home_path, is_folder
from adapterhub.verbs.written import Kind, faults, read_written

__all__ = ["plain", "recipe_of"]

FILES = (".yaml", ".yml", ".json")
SCHEMA = "`adapterhub schema recipe` prints what a recipe may hold"
CUT = "a rank is 1 or more, such as --rank 16; an energy is a part of the squared norm, such as --energy 0.9"
RECIPE = Kind("recipe", "adapters: and method:", "a recipe is a YAML file; `adapterhub merge --help` shows one")
Place = tuple[int | str, ...]
More = Callable[[Recipe, bool], object]
"""Raises what is wrong with a recipe, or with what is left of it; hears whether it has all its adapters."""


def recipe_of(text: str, more: More | None = None, **how: Any) -> Recipe:
    """The recipe an expression or the path of a recipe file stands for; what is given besides wins over the file.

    more: where something in it makes no sense, it is asked about the rest, so that all is told.
    """
    given = {name: value for name, value in how.items() if value not in (None, {})}
    path = home_path(text.strip())
    if not (is_folder(text.strip()) and path.suffix in FILES and not path.is_dir()):
        return _checked({"adapters": list(of_expression(text).adapters), **given}, "the recipe", more)
    fields = read_written(path, text, RECIPE)
    if given.keys() & {"rank", "energy"}:
        fields = {name: value for name, value in fields.items() if name not in ("rank", "energy")}
    return _checked({**fields, **given}, text, more)


def _checked(fields: dict[str, Any], what: str, more: More | None) -> Recipe:
    try:
        recipe = Recipe.model_validate(fields)
    except ValidationError as error:
        places = [one["loc"] for one in error.errors()]
        told = [*faults(error), *(_others(fields, places, more) if more else ())]
        hint = CUT if all(place[-1] in ("rank", "energy") for place in places) else SCHEMA
        raise WrongUsage(f"{what}: {'; '.join(told)}", hint=hint) from None
    if not recipe.adapters:
        raise WrongUsage(f"{what}: it names no adapter", hint="write `adapters:` with at least one {adapter: NAME}")
    return recipe


def _others(fields: dict[str, Any], places: Sequence[Place], more: More) -> Iterator[str]:
    """What else is wrong with a recipe, seen without what stands at these places."""
    left = copy.deepcopy(fields)
    for place in reversed(places):
        _drop(left, place)
    try:
        recipe = Recipe.model_validate(left)
        more(recipe, len(recipe.adapters) == len(fields["adapters"]))
    except AdapterHubError as error:
        yield str(error)
    except ValidationError:
        return


def _drop(holder: Any, place: Place) -> bool:
    """Take out what stands at a place; what is not there is missing, and what lacks it goes. Whether anything went."""
    head, *rest = place
    try:
        inner = holder[head]
    except (LookupError, TypeError):
        return False
    if not (rest and _drop(inner, tuple(rest))):
        del holder[head]
    return True


def plain(recipe: Recipe, text: str) -> Recipe:
    """The recipe, if it is a weighted sum of whole adapters; what else it may ask for is a merge."""
    more = {"rules": recipe.rules, "rank": recipe.rank, "energy": recipe.energy, "set": recipe.set, "seed": recipe.seed}
    asked = [name for name, value in more.items() if value]
    asked += [] if recipe.method == "sum" else ["method"]
    asked += ["modules"] if any(one.modules for one in recipe.adapters) else []
    if asked:
        raise WrongUsage(
            f"{text}: {', '.join(asked)}: methods, cuts and weights by module are for merges",
            hint="merge first, `adapterhub merge RECIPE NAME`, then take the result",
        )
    return recipe
