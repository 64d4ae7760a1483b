"""Spans of time as a clock shows them."""

__all__ = ["clock"]


def clock(seconds: float) -> str:
    """Hours, minutes and seconds; what is short is told to a tenth.

    >>> clock(4.26), clock(65), clock(3725.4), clock(100_000)
    ('4.3 s', '1:05', '1:02:05', '27:46:40')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
