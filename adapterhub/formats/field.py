"""One field of a config that somebody else wrote, of the kind it must have, or `Corrupt` naming file and field."""

import math
from typing import Any, NoReturn

from adapterhub.errors import Corrupt

__all__ = ["number", "section", "text", "words"]


def section(config: dict[str, Any], field: str, what: str) -> dict[str, Any]:
    """The object in a field; empty if the field is missing or null."""
    value = config.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        _wrong(what, field, "an object", value)
    return value


def number(config: dict[str, Any], field: str, what: str) -> float | None:
    """The finite number in a field; None if the field is missing or null.

    >>> number({"alpha": 16}, "alpha", "adapter_config.json")
    16.0
    """
    value = config.get(field)
    if value is None:
        return None
    if type(value) not in (int, float) or not abs(value) < 1e18 or not math.isfinite(value):
        _wrong(what, field, "a finite number", value)
    return float(value)


def text(config: dict[str, Any], field: str, what: str) -> str | None:
    """The text in a field; None if the field is missing, null or empty."""
    value = config.get(field)
    if value is not None and not isinstance(value, str):
        _wrong(what, field, "text", value)
    return value or None


def words(config: dict[str, Any], field: str, what: str) -> tuple[str, ...]:
    """The list of words in a field; empty if the field is missing or null."""
    value = config.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        _wrong(what, field, "a list of words", value)
    return tuple(value)


def _wrong(what: str, field: str, wanted: str, got: Any) -> NoReturn:
    raise Corrupt(
        f"{what}: {field}: wanted {wanted}, got {str(got)[:60]!r}", hint="correct the config or fetch it again"
    )
