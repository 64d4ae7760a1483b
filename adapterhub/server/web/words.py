"""Numbers, times and strangers' words as people read them."""

import re
from datetime import UTC, datetime
from typing import Any

from adapterhub.readable import count, short, size

__all__ = ["FILTERS", "day", "moment", "number", "visible"]

ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Controls, and what turns the text around it round."""


def number(value: float) -> str:
    """A measured number, to four digits.

    >>> number(0.91234), number(3.0), number(12345678.0)
    ('0.9123', '3', '1.235e+07')
    """
    return f"{value:.4g}"


def day(time: str) -> str:
    """The day of a time, in UTC; the words themselves where they are none.

    >>> day("2026-01-02T23:30:00.5Z"), day("once")
    ('2026-01-02', 'once')
    """
    return _written(time, "%Y-%m-%d")


def moment(time: str) -> str:
    """A time to the minute, in UTC.

    >>> moment("2026-01-02T03:04:05.678901Z")
    '2026-01-02 03:04 UTC'
    """
    return _written(time, "%Y-%m-%d %H:%M UTC")


def _written(time: str, form: str) -> str:
    try:
        return datetime.fromisoformat(time).astimezone(UTC).strftime(form)
    except (ValueError, OverflowError):
        return time


def visible(value: Any) -> Any:
    r"""Text with every control, and all that turns it round, shown as its code; what is HTML already, and what is no
    text, as it is.

    >>> print(visible("a\u202eb"), visible(1))
    a\u202eb 1
    """
    return ODD.sub(_code, value) if type(value) is str else value


def _code(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


FILTERS = {"size": size, "number": number, "count": count, "brief": short, "day": day, "moment": moment}
"""What templates call them."""
