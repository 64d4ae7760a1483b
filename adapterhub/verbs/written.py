"""A document that a person writes: YAML or JSON, small, without what could surprise."""

import json
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from pydantic import ValidationError

from adapterhub.errors import NotFound, WrongUsage

__all__ = ["Kind", "fault", "faults", "line_of", "read_written"]

LARGEST = 1 << 20


@final
@dataclass(frozen=True)
class Kind:
    """What is expected: what it is called, some of its fields, and where a person finds more."""

    name: str
    fields: str
    hint: str


def read_written(path: Path, text: str, kind: Kind) -> dict[str, Any]:
    """The fields of a YAML or JSON file; `NotFound` or `WrongUsage` with what is wrong. `text` names it."""
    import yaml

    if not path.exists():
        raise NotFound(f"{text}: no such {kind.name}", hint=kind.hint)
    if path.stat().st_size > LARGEST:
        raise WrongUsage(
            f"{text}: {path.stat().st_size} bytes are no {kind.name}", hint=f"a {kind.name} is below {LARGEST} bytes"
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
        raise WrongUsage(f"{text}: wanted fields such as {kind.fields}, got {type(fields).__name__}", hint=kind.hint)
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


def line_of(path: Path, where: Sequence[int | str]) -> int | None:
    """The line of a YAML file on which a field stands, or the innermost field around it that is there."""
    import yaml

    if path.suffix == ".json":
        return None
    node, line = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader), None
    for word in where:
        fields = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next(((key, value) for key, value in fields if key.value == str(word)), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def faults(error: ValidationError) -> Iterator[str]:
    """What is wrong, field by field."""
    return map(fault, error.errors())


def fault(one: Mapping[str, Any]) -> str:
    """One of a validation's errors: the field, what is wrong with it, and what stands there."""
    what = one["msg"].removeprefix("Value error, ")
    return f"{'.'.join(map(str, one['loc']))}: {what}, got {reprlib.repr(one['input'])}"
