"""One JSON text, with the place of a mistake."""

import json
from typing import Any

from adapterhub.train.data.readers.source import Source

__all__ = ["columns_of", "parse"]

ESCAPES = ("\\ud", "\\uD")
"""Half of a pair of these is no character: no tokenizer takes it, and no file can hold it."""


def parse(source: Source, text: str, line: int = 1, *, hint: str) -> Any:
    """The value of a text that begins in a line of the source; `Corrupt` names line and column."""
    try:
        value = json.loads(text)
        if any(escape in text for escape in ESCAPES):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        place = f"line {line + error.lineno - 1}, column {error.colno}"
        raise source.broken(place, f"not JSON: {error.msg}", hint=hint) from None
    except UnicodeEncodeError:
        raise source.broken(f"line {line}", "half a surrogate pair is no character", hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise source.broken(f"line {line}", f"cannot be read: {error}", hint=hint) from None
    return value


def columns_of(rows: list[dict[str, Any]]) -> list[str]:
    """Every key of the rows, in the order in which they are first seen."""
    return list(dict.fromkeys(key for row in rows for key in row))
