"""What the values of one adapter say, whichever base it meets: all that `--deep` keeps of them, without torch."""

from adapterhub.document import Document

__all__ = ["MAKER", "Broken", "Sketch", "Update", "Values"]

MAKER = 1
"""Raise it when the same files give other values."""

Sketch = tuple[float, ...]
"""Numbers that belong to a matrix and not to its factors; see `sketch`."""


class Update(Document):
    """ΔW of one module: the rank of its factors, ‖ΔW‖, and how many directions it really has.

    effective_rank    exp(−Σ p·ln p), p = σ/Σσ: Roy and Vetterli, EUSIPCO 2007
    directions        the fewest singular directions that keep 99 % of ‖ΔW‖²

    None for what could not be told.
    """

    module: str
    rank: int
    norm: float | None = None
    effective_rank: float | None = None
    directions: int | None = None


class Broken(Document):
    """A tensor, without PEFT's prefix, and how many of its values are NaN or infinite."""

    tensor: str
    nan: int = 0
    infinite: int = 0
    count: int


class Values(Document):
    """All of it. `dead` modules change nothing.

    `unread`: why nothing but the single values was looked at, and `left_out`: what else was not, both in words.
    `sketches` are there where all of them are numbers; `precision` is what rounding may have done to them.
    """

    maker: int = MAKER
    updates: tuple[Update, ...] = ()
    broken: tuple[Broken, ...] = ()
    dead: tuple[str, ...] = ()
    unread: str = ""
    left_out: tuple[str, ...] = ()
    sketches: dict[str, Sketch] = {}
    precision: float = 0.0
