"""The grammar of numbers a person types: weights, metrics, notes and conditions read them alike.

number   := [ "-" ] ( whole [ fraction ] | fraction ) [ exponent ]
whole    := 0 | a digit from 1 to 9 and any more
fraction := "." digits
exponent := ( "e" | "E" ) [ "+" | "-" ] digits

Digits are 0 to 9. So 007, 1_000, ١٢, +5 and nan are words, not numbers.
"""

import math
import re

__all__ = ["number"]

NUMBER = re.compile(r"-?((0|[1-9][0-9]*)(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def number(text: str) -> int | float | None:
    """The number a text is, whole where it is written so; None for what is none, or more than a float can hold.

    >>> number("8"), number("-.5e1"), number("1_000"), number("1e999")
    (8, -5.0, None, None)
    """
    if not NUMBER.fullmatch(text) or not math.isfinite(value := float(text)):
        return None
    return int(text) if text.removeprefix("-").isdigit() else value
