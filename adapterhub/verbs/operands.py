"""What an expression or a recipe names: the adapters themselves, and what they agree on."""

import json
import reprlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from adapterhub.compose.recipe import Recipe, of_expression
from adapterhub.errors import NotFound, WrongUsage
from adapterhub.finding import Finding
from adapterhub.manifest import BasePin
from adapterhub.note import gather
from adapterhub.reference import home_path, is_folder
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.subject import Subject, subject

__all__ = ["agreed", "apart", "operands", "pin_of", "place_of", "plain", "recipe_of"]

FILES = (".yaml", ".yml", ".json")
LARGEST = 1 << 20
T = TypeVar("T")


def recipe_of(text: str, **how: Any) -> Recipe:
    """The recipe an expression or the path of a recipe file stands for; what is given besides wins over the file."""
    given = {name: value for name, value in how.items() if value not in (None, {})}
    path = home_path(text.strip())
    if not (is_folder(text.strip()) and path.suffix in FILES and not path.is_dir()):
        return _checked(lambda: of_expression(text, **given), "the recipe")
    fields = _read(path, text)
    if given.keys() & {"rank", "energy"}:
        fields = {name: value for name, value in fields.items() if name not in ("rank", "energy")}
    return _checked(lambda: Recipe.model_validate({**fields, **given}), text)


def _read(path: Path, text: str) -> dict[str, Any]:
    import yaml

    if not path.exists():
        raise NotFound(f"{text}: no such recipe", hint="a recipe is a YAML file; `adapterhub merge --help` shows one")
    if path.stat().st_size > LARGEST:
        raise WrongUsage(
            f"{text}: {path.stat().st_size} bytes are no recipe", hint=f"a recipe is below {LARGEST} bytes"
        )
    try:
        data = path.read_bytes().decode()
        fields = json.loads(data) if path.suffix == ".json" else _plain_yaml(data)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise WrongUsage(
            f"{text}: not readable as YAML: {why}", hint="mend the file where the message points"
        ) from None
    if not isinstance(fields, dict):
        raise WrongUsage(
            f"{text}: wanted fields such as adapters: and method:, got {type(fields).__name__}", hint="see the README"
        )
    return fields


def _plain_yaml(data: str) -> Any:
    """YAML without aliases, which can stand for more than fits into memory, and without doubled keys."""
    import yaml

    mappings: list[list[str]] = []
    for event in yaml.parse(data, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"the alias *{event.anchor}: write out what it stands for")
    node = yaml.compose(data, Loader=yaml.SafeLoader)
    queue = [node] if node else []
    while queue:
        one = queue.pop()
        if isinstance(one, yaml.MappingNode):
            mappings.append([str(key.value) for key, _ in one.value])
            queue += [value for _, value in one.value]
        elif isinstance(one, yaml.SequenceNode):
            queue += one.value
    for keys in mappings:
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"{', '.join(sorted(twice))} stands there twice")
    return yaml.safe_load(data)


def _checked(make: Any, what: str) -> Recipe:
    try:
        recipe: Recipe = make()
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}, got {reprlib.repr(e['input'])}" for e in error.errors()
        )
        raise WrongUsage(f"{what}: {faults}", hint="`adapterhub schema recipe` prints what a recipe may hold") from None
    if not recipe.adapters:
        raise WrongUsage(f"{what}: it names no adapter", hint="write `adapters:` with at least one {adapter: NAME}")
    return recipe


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


def operands(desk: Desk, recipe: Recipe) -> list[Subject]:
    """Every adapter of a recipe, found before anything is read."""
    return [_found(desk, one.adapter) for one in recipe.adapters]


def _found(desk: Desk, word: str) -> Subject:
    with subject(desk, word) as found:
        return found


def place_of(choose: str | None, recipe: Recipe, found: Sequence[Subject]) -> int | None:
    """Which adapter was chosen: it may be named as it was typed, without its pin, or with it."""
    if (choose := choose or recipe.choose) is None:
        return None
    for place, (asked, one) in enumerate(zip(recipe.adapters, found, strict=True)):
        if choose in (asked.adapter, one.label, one.name):
            return place
    names = ", ".join(one.label for one in found)
    raise NotFound(f"{choose} was chosen, and is none of {names}", hint="choose one of them")


def agreed(values: Sequence[T]) -> T | None:
    """What all say, or None where they differ."""
    return values[0] if all(value == values[0] for value in values) else None


def pin_of(one: Subject) -> BasePin | None:
    """The base of an operand: the manifest's, else the one noted later."""
    noted = gather(one.entry.notes).base
    return one.entry.manifest.base or (BasePin.model_validate(noted) if noted else None)


def apart(parents: Sequence[Subject]) -> Iterator[Finding]:
    """A sum of adapters that were trained on different weights is arithmetic, not yet sense."""
    pins = [pin_of(one) for one in parents]
    digests = {str(pin.weights_digest)[:19] if pin else "" for pin in pins}
    names = {str(one.facts.base_name or "") for one in parents}
    if len(digests - {""}) > 1 or ("" in digests and len(names - {""}) > 1):
        bases = ", ".join(
            f"{one.label} on {one.facts.base_name or '?'} {str(pin.weights_digest)[:19] if pin else '(by name only)'}"
            for one, pin in zip(parents, pins, strict=True)
        )
        yield Finding(
            check="bases-differ",
            severity="warning",
            place="parents",
            message=f"the parents were trained on different bases: {bases}",
            remedy="`adapterhub audit` says how far they drifted; evaluate the result on the base you mean",
        )
