"""What all documents share: frozen pydantic models with one canonical JSON form.

Canonical: UTF-8, keys sorted, no spaces, no NaN, fields that say nothing (None, empty) left out. So the same knowledge
always has the same bytes and the same digest, and a field added later changes no digest made earlier.
"""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from adapterhub.errors import Corrupt

__all__ = ["Document", "canonical"]


def canonical(data: Any) -> bytes:
    """The canonical JSON of plain data.

    >>> canonical({"b": 1.0, "a": [None]})
    b'{"a":[null],"b":1.0}'
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class Document(BaseModel):
    """A frozen document; fields it does not know are kept, so that an older reader loses nothing."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    def plain(self) -> dict[str, Any]:
        """The document as plain data, without the fields that say nothing."""
        fields = {**{n: self.__dict__[n] for n in type(self).model_fields}, **(self.__pydantic_extra__ or {})}
        return {name: plain for name, value in fields.items() if (plain := _plain(value)) not in (None, "", [], {})}

    def to_bytes(self) -> bytes:
        """The canonical bytes; `Corrupt` for what has none: NaN, half a surrogate pair, bottomless nesting."""
        try:
            return canonical(self.plain())
        except (ValueError, RecursionError) as error:
            raise Corrupt(
                f"{type(self).__name__}: cannot be written as JSON: {error}",
                hint="leave out NaN, infinity and text that is not Unicode",
            ) from None

    @classmethod
    def from_bytes(cls, data: bytes, what: str) -> Self:
        """Read a document; `what` names it in the error."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "document"
            raise Corrupt(
                f"{what}: {place}: {first['msg']}, got {str(first['input'])[:80]!r}",
                hint="the file is damaged or no such document; `adapterhub check` names what is damaged in a store",
            ) from None


def _plain(value: Any) -> Any:
    """A value as plain data. Only documents lose what says nothing: a None in somebody's training config stays."""
    if isinstance(value, Document):
        return value.plain()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value
