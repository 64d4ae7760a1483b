"""Which layers modules lie in, by the first number of their paths."""

import re
from collections.abc import Iterable

__all__ = ["Kind", "layers"]

LAYER = re.compile(r"\.([0-9]+)\.")

Kind = tuple[str, str]
"""What stands before the number of a layer and behind it: the same in every layer."""


def layers(names: Iterable[str]) -> dict[Kind, set[int]]:
    """The numbers of the layers each kind of module lies in; what lies in none is left out.

    >>> layers(["h.0.attn", "h.2.attn", "lm_head"])
    {('h', 'attn'): {0, 2}}
    """
    kinds: dict[Kind, set[int]] = {}
    for name in names:
        if found := LAYER.search(name):
            kinds.setdefault((name[: found.start()], name[found.end() :]), set()).add(int(found[1]))
    return kinds
