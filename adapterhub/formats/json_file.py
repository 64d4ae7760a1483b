"""JSON that somebody else wrote: an object of a sensible size, or an error that names line and column."""

import json
from typing import Any, NoReturn

from adapterhub.document import check_data
from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats.header import refuse_pointer
from adapterhub.formats.members import Members

__all__ = ["LARGEST", "parse_object", "read_object", "read_text"]

LARGEST = 16 << 20
"""Bytes; the configs of the largest models have a tenth of it."""


def read_object(members: Members, name: str, largest: int | None = None) -> dict[str, Any]:
    """The object in a member; `NotFound` without one, `Corrupt` when it is anything else."""
    return parse_object(read_text(members, name, largest), name)


def read_text(members: Members, name: str, largest: int | None = None) -> bytes:
    """The bytes of a member; `NotFound` without one, `Corrupt` where it is larger than any honest one or a pointer."""
    if name not in members.names():
        raise NotFound(f"{name}: not there", hint="the file belongs beside the weights")
    size, most = members.size(name), LARGEST if largest is None else largest
    if size <= most:
        with members.open(name) as stream:
            refuse_pointer(stream, name)
            # What is there may be larger than what was promised.
            data = stream.read(most + 1)
        if len(data) <= most:
            return data
    raise Corrupt(
        f"{name}: {max(size, most + 1)} bytes of JSON, at most {most} are read",
        hint="is this the file of the model or adapter itself? Take out what does not belong there",
    )


def parse_object(data: bytes, what: str) -> dict[str, Any]:
    """The object these bytes spell; `what` names them in errors.

    >>> parse_object(b'{"r": 8}', "adapter_config.json")
    {'r': 8}
    """
    try:
        parsed = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
        check_data(parsed)
        json.dumps(parsed, ensure_ascii=False).encode()  # a lone surrogate could never be written again
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Corrupt(f"{what}: no JSON at {place}: {error.msg}", hint="fetch or save the file again") from None
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{what}: no JSON: {str(error)[:200]}", hint="fetch or save the file again") from None
    if not isinstance(parsed, dict):
        raise Corrupt(
            f"{what}: line 1, column 1: wanted a JSON object, got {str(parsed)[:40]!r}",
            hint="the file was cut or written wrongly: save or download it again",
        )
    return parsed


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")
