"""What all documents share: frozen pydantic models with one canonical JSON form.

Canonical: UTF-8, keys sorted, no spaces, no NaN, fields that say nothing (None, empty) left out. So the same knowledge
always has the same bytes and the same digest, and a field added later changes no digest made earlier.

What is written can be read: both ends refuse numbers no float can hold and nesting without end.
"""

import json
import math
import re
from typing import Any, NoReturn, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from adapterhub.errors import Corrupt

__all__ = ["Document", "canonical", "check_data"]

DEEPEST = 100
"""Lists and objects inside each other: half of what the reader bears."""

LONGEST = 300
"""Characters of what is told of one that cannot be read."""

ODD = re.compile(rb"NaN|Infinity|[0-9][eE]\+?[0-9]{3}|[0-9]{200}")
"""One of these is in every JSON with a number beyond any float, and in hardly any other."""


def canonical(data: Any) -> bytes:
    """The canonical JSON of plain data.

    >>> canonical({"b": 1.0, "a": [None]})
    b'{"a":[null],"b":1.0}'
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class Document(BaseModel):
    """A frozen document; fields it does not know are kept, so that an older reader loses nothing."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, defer_build=True)

    def plain(self) -> dict[str, Any]:
        """The document as plain data, without the fields that say nothing."""
        fields = {**{n: self.__dict__[n] for n in type(self).model_fields}, **(self.__pydantic_extra__ or {})}
        return {name: plain for name, value in fields.items() if (plain := _plain(value)) not in (None, "", [], {})}

    def to_bytes(self) -> bytes:
        """The canonical bytes; `Corrupt` for what has none: NaN, half a surrogate pair, bottomless nesting."""
        try:
            plain = self.plain()
            check_data(plain)
            return canonical(plain)
        except (ValueError, RecursionError) as error:
            raise Corrupt(
                f"{type(self).__name__}: cannot be written as JSON: {error}",
                hint="leave out NaN, infinity, text that is not Unicode and what nests without end",
            ) from None

    @classmethod
    def from_bytes(cls, data: bytes, what: str) -> Self:
        """Read a document; `what` names it in the error."""
        try:
            document = cls.model_validate_json(data)
            if ODD.search(data):
                json.loads(data, parse_constant=_check_number, parse_float=_check_number, parse_int=_check_number)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "document"
            said = first["msg"].removeprefix("Value error, ")[:LONGEST]
            # What a document says of itself as a whole names what it got.
            whole = first["type"] == "value_error" and not first["loc"]
            _corrupt(f"{what}: {said}" if whole else f"{what}: {place}: {said}, got {str(first['input'])[:80]!r}")
        except ValueError as error:
            _corrupt(f"{what}: {error}")
        return document


def _plain(value: Any) -> Any:
    """A value as plain data. Only documents lose what says nothing: a None in somebody's training config stays."""
    if isinstance(value, Document):
        return value.plain()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def check_data(data: Any, depth: int = 0) -> None:
    """`ValueError` for plain data that could be written and not read again."""
    if depth > DEEPEST:
        raise ValueError(f"more than {DEEPEST} lists and objects inside each other")
    if type(data) in (int, float):
        _check_number(data)
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else ():
        check_data(item, depth + 1)


def _check_number(number: str | float) -> None:
    try:
        finite = math.isfinite(float(number))
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError(f"{str(number)[:40]} is no finite number")


def _corrupt(message: str) -> NoReturn:
    raise Corrupt(
        message, hint="the file is damaged or no such document; `adapterhub check` names what is damaged in a store"
    )
