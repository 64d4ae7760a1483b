"""Models of several parts (images, sound, text): where each of the parts lies.

    on disk      language_model.model.layers.0…    language_model.lm_head    vision_tower…
    wrapped      model.language_model.layers.0…    lm_head                   model.vision_tower…       live
    bare         language_model.layers.0…                                    vision_tower…             live, no head
    text         model.layers.0…                   lm_head                   visual…                   Qwen-VL on disk

The last is that of the language model alone too, so what was trained on that finds it inside the wrapper. Measured with
transformers 5.23: the names of the live models against those of the checkpoints they save (Llava, Gemma3, Mistral3,
PaliGemma, InternVL, Mllama and their relatives; Qwen2-VL and Qwen2.5-VL).
"""

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import NamedTuple

from adapterhub.base.naming.phrases import Rewrite

__all__ = ["ARRANGEMENTS", "wrappers"]


class Arrangement(NamedTuple):
    """What stands before the language model, before its head, and before all other parts."""

    text: str
    head: str
    rest: str


ARRANGEMENTS = {
    "language_model.model.": Arrangement("language_model.model.", "language_model.", ""),
    "model.language_model.": Arrangement("model.language_model.", "", "model."),
    "language_model.": Arrangement("language_model.", "", ""),
    "model.": Arrangement("model.", "", ""),
}
"""By what begins the names of the language model."""

HEAD = "lm_head"
OUTER = ("classifier", "score")
"""Heads that stand outside of everything."""

Begins = Callable[[str], bool]


def wrappers(wanted: Begins, there: Begins) -> Iterator[tuple[str, Rewrite]]:
    """The rules that may apply, by what begins names of the adapter (`wanted`) and of the base (`there`)."""
    for one, other in permutations(ARRANGEMENTS, 2):
        if wanted(one) and there(other):
            yield f"wrapper {one} to {other}", _moved(ARRANGEMENTS[one], ARRANGEMENTS[other])


def _moved(one: Arrangement, other: Arrangement) -> Rewrite:
    def rewrite(name: str) -> str:
        if name.startswith(one.text):
            return other.text + name[len(one.text) :]
        if name.startswith(one.head + HEAD):
            return other.head + name[len(one.head) :]
        if name.startswith(one.rest) and not name.startswith(OUTER):
            return other.rest + name[len(one.rest) :]
        return name

    return rewrite
