"""Parts of a model move together, and back."""

from itertools import permutations

import pytest

from adapterhub.base.naming.wrappers import ARRANGEMENTS, wrappers

PARTS = {
    "language_model.model.": ["language_model.model.layers.0.q", "language_model.lm_head", "vision_tower.x", "score"],
    "model.language_model.": ["model.language_model.layers.0.q", "lm_head", "model.vision_tower.x", "score"],
    "language_model.": ["language_model.layers.0.q", "lm_head", "vision_tower.x", "score"],
    "model.": ["model.layers.0.q", "lm_head", "vision_tower.x", "score"],
}


def rule(one, other):
    return dict(wrappers({one}.__contains__, {other}.__contains__))[f"wrapper {one} to {other}"]


@pytest.mark.parametrize(("one", "other"), list(permutations(ARRANGEMENTS, 2)))
def test_every_part_finds_its_place(one, other):
    assert [rule(one, other)(name) for name in PARTS[one]] == PARTS[other]


def test_only_what_is_there_is_tried():
    assert list(wrappers({"model."}.__contains__, {"h."}.__contains__)) == []
