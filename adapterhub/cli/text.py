"""Text for people: counts and words from strangers, made safe for a terminal."""

import os
import shutil
import sys
import unicodedata
from typing import TextIO

__all__ = ["clean", "cut", "cut_front", "paint", "screen", "wide"]

COLOURS = {"error": "31", "warning": "33", "info": "36", "good": "32", "bold": "1", "dim": "2"}


def clean(text: str) -> str:
    r"""The text with everything a terminal would obey made visible.

    >>> clean("name\x1b[2J")
    'name\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def wide(text: str) -> int:
    """Columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, columns: int) -> str:
    """The text in at most so many columns, its end replaced by … where it is longer.

    >>> cut("meta-llama/Llama-3.2-1B", 12)
    'meta-llama/…'
    """
    if wide(text) <= columns:
        return text
    while text and wide(text) > columns - 1:
        text = text[:-1]
    return text + "…" if columns > 0 else ""


def cut_front(text: str, columns: int) -> str:
    """The same with its beginning replaced: paths and references differ at their end.

    >>> cut_front("runs/march/sql-r8", 12)
    '…arch/sql-r8'
    """
    if wide(text) <= columns:
        return text
    while text and wide(text) > columns - 1:
        text = text[1:]
    return "…" + text if columns > 0 else ""


def screen(stream: TextIO | None) -> int | None:
    """The terminal's width in columns, or None where the stream is none (or closed) and nothing needs to be cut."""
    return shutil.get_terminal_size().columns if stream and stream.isatty() else None


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """The text in a colour on a terminal that shows colours; else as it is."""
    if screen(stream or sys.stdout) is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"
