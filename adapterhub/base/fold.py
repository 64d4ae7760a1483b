"""Lists of module names as people read them: `layers.0-31.self_attn.q_proj` instead of thirty-two lines."""

from collections.abc import Iterable

__all__ = ["fold", "sentence"]


def fold(names: Iterable[str]) -> list[str]:
    """The names in order of first appearance, those that differ only in their first number folded into one.

    >>> fold(["h.0.attn", "h.1.attn", "lm_head", "h.3.attn", "h.1.mlp"])
    ['h.0-1,3.attn', 'lm_head', 'h.1.mlp']
    """
    groups: dict[tuple[str, str | None], set[int]] = {}
    for name in names:
        head, number, tail = _split(name)
        groups.setdefault((head, tail), set()).add(number)
    return [head if tail is None else head + _ranges(numbers) + tail for (head, tail), numbers in groups.items()]


def sentence(names: Iterable[str], limit: int = 6) -> str:
    """The folded names as one phrase, cut after `limit` of them.

    >>> sentence(["h.0.attn", "h.1.attn"])
    'h.0-1.attn'
    """
    folded = fold(names)
    more = f" and {len(folded) - limit} more" if len(folded) > limit else ""
    return ", ".join(folded[:limit]) + more


def _split(name: str) -> tuple[str, int, str | None]:
    parts = name.split(".")
    for place, part in enumerate(parts):
        # "07" is no number here: folded into 7 it could not be told from it.
        if part.isascii() and part.isdigit() and len(part) < 10 and part == str(int(part)):
            return "".join(f"{p}." for p in parts[:place]), int(part), "".join(f".{p}" for p in parts[place + 1 :])
    return name, 0, None


def _ranges(numbers: set[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
