"""Whose tensors stand in place of the base's: what replaces something is chosen, never blended.

One rule for a stack, a merge and a fuse. An adapter that is off has no say. Of those that are on and carry whole
tensors, the only one's are used, whole at any weight above 0, since half a head is none; where there are several, the
one that is named.
"""

from collections.abc import Collection, Iterator, Mapping

__all__ = ["chosen", "faults"]


def chosen(carriers: Mapping[str, float], choose: str | None) -> str | None:
    """The adapter whose tensors are used, None where nobody has any. `faults` must have found nothing."""
    on = [name for name, weight in carriers.items() if weight]
    return choose if choose in on else next(iter(on), None)


def faults(carriers: Mapping[str, float], choose: str | None, names: Collection[str], what: str) -> Iterator[str]:
    """What stands in the way of a choice.

    carriers: the weights of those that carry such tensors; names: of all adapters; what: the tensors, in words.
    """
    on = {name: weight for name, weight in carriers.items() if weight}
    if choose is not None and choose not in names:
        yield f"{choose} was chosen, and is not among {', '.join(names)}"
    elif choose is not None and on and choose not in on:
        yield f"{choose} was chosen, and has no {what}"
    elif choose is None and len(on) > 1:
        yield f"{' and '.join(on)} each have their own {what}, which are never blended: choose whose (choose, --choose)"
    name = chosen(carriers, choose)
    if name is not None and on[name] < 0:
        yield f"{name} has a weight of {on[name]:g}: its {what} stand in place of the base's, and cannot be taken away"
