"""The shape of a tensor in words, for what is told of two that should be alike."""

from collections.abc import Sequence

__all__ = ["shape_words"]


def shape_words(shape: Sequence[int] | None) -> str:
    """A shape; None for a tensor that is not there.

    >>> shape_words((8, 32)), shape_words(()), shape_words(None)
    ('8×32', 'a number', 'nothing')
    """
    if shape is None:
        return "nothing"
    return "×".join(map(str, shape)) or "a number"
