"""What goes to standard output as JSON, and what is said on standard error beside it."""

import contextlib
import io
import json
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from adapterhub.cli.text import clean, paint

if TYPE_CHECKING:
    from adapterhub.finding import Finding

__all__ = ["plain", "print_findings", "print_json", "say"]


ODD = re.compile(r"[^\n -~]")
"""What may be no printable text: all but ASCII is looked at."""


def plain(value: Any) -> Any:
    """A result as plain data. Every field of a document is there, also where it is empty, so that programs may ask."""
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def print_json(value: Any) -> None:
    """Print a result as one JSON document in UTF-8, whatever the terminal speaks; a list row by row.

    What a terminal would obey, or turn text round for, is written as its code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name that is no text holds lone surrogates; written as \udc80 they are valid JSON.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if not isinstance(value, list | tuple) or not value:
        print(_json(value))
        return
    for number, row in enumerate(value):  # the reports of a whole store would fill the memory as one text
        print("," if number else "[", end="\n  ")
        print(_json(row).replace("\n", "\n  "), end="")
    print("\n]")


def _json(value: Any) -> str:
    return ODD.sub(_escaped, _document(value))


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    return letter if letter.isprintable() else "\\u007f" if letter == "\x7f" else json.dumps(letter)[1:-1]


def _document(value: Any) -> str:
    from pydantic import BaseModel
    from pydantic_core import PydanticSerializationError

    if isinstance(value, BaseModel):
        with contextlib.suppress(PydanticSerializationError):  # text that is no Unicode
            return value.model_dump_json(indent=2)
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def say(text: str) -> None:
    """Say something beside the result, on standard error."""
    print(clean(text), file=sys.stderr)


def print_findings(findings: "Iterable[Finding]", indent: str = "") -> None:
    """Print findings, the worst first: severity, place, message, and what to do about it."""
    order = ("error", "warning", "info")
    for finding in sorted(findings, key=lambda finding: order.index(finding.severity)):
        severity = paint(finding.severity, finding.severity)
        said = not finding.place or finding.message.startswith(f"{finding.place}:")
        place = "" if said else f"{clean(finding.place)}: "
        print(f"{indent}{severity}  {place}{clean(finding.message)} [{finding.check}]")
        if finding.remedy:
            print(f"{indent}  → {clean(finding.remedy)}")
