"""Numbers, sizes and digests as people read them, on a terminal and on a page."""

__all__ = ["count", "short", "size"]

UNITS = ("B", "kB", "MB", "GB", "TB")
DIGITS = 12


def size(count: float) -> str:
    """Bytes in the unit a person would choose (powers of ten, as disks and networks count).

    >>> size(693), size(4_700_000), size(999_950)
    ('693 B', '4.7 MB', '1.0 MB')
    """
    power = 0
    while count >= 999.95 and power < len(UNITS) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.1f} {UNITS[power]}" if power else f"{count:.0f} B"


def count(amount: int, word: str) -> str:
    """How many of something.

    >>> count(1, "adapter"), count(1200, "adapter")
    ('1 adapter', '1,200 adapters')
    """
    return f"{amount:,} {word}{'' if amount == 1 else 's'}"


def short(digest: str) -> str:
    """The first twelve digits of a digest: what people compare.

    >>> short("sha256:7ccc804f5546aaaa")
    '7ccc804f5546'
    """
    return digest.removeprefix("sha256:")[:DIGITS]
