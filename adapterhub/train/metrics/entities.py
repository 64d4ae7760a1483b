"""How well entities are found: an entity is right when its words and its type are.

Tags are IOB2: `B-PER` begins an entity of type PER, `I-PER` goes on with it, `O` is outside of all. An `I-` that goes
on with nothing begins an entity, as the conlleval script and seqeval's default mode have it.
"""

from collections.abc import Iterator, Sequence

__all__ = ["Entity", "entities", "entity_scores"]

Entity = tuple[str, int, int]
"""Its type, its first word, and the word after its last."""

Tags = Sequence[str]


def entities(tags: Tags) -> list[Entity]:
    """The entities of a sentence, in order.

    >>> entities(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [('PER', 0, 2), ('LOC', 3, 4), ('LOC', 4, 5)]
    """
    return list(_entities(tags))


def _entities(tags: Tags) -> Iterator[Entity]:
    kind, start = "", 0
    for place, tag in enumerate([*tags, "O"]):
        mark, _, name = tag.partition("-")
        inside = mark in ("B", "I")
        if kind and not (mark == "I" and name == kind):
            yield kind, start, place
            kind = ""
        if inside and not kind:
            kind, start = name or "_", place


def entity_scores(said: Sequence[Tags], wanted: Sequence[Tags]) -> dict[str, float]:
    """`precision`, `recall` and `f1` over the entities of all sentences together; 0 where there are none."""
    found = [set(entities(tags)) for tags in said]
    there = [set(entities(tags)) for tags in wanted]
    right = sum(len(one & other) for one, other in zip(found, there, strict=True))
    named, true = sum(map(len, found)), sum(map(len, there))
    return {
        "precision": right / named if named else 0.0,
        "recall": right / true if true else 0.0,
        "f1": 2 * right / (named + true) if named + true else 0.0,
    }
