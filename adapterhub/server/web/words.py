"""Numbers and times as people read them."""

from datetime import UTC, datetime

from adapterhub.readable import count, short, size

__all__ = ["FILTERS", "day", "moment", "number"]


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


FILTERS = {"size": size, "number": number, "count": count, "brief": short, "day": day, "moment": moment}
"""What templates call them."""
