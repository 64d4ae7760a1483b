"""Each rule holds where it should, and names methods there are."""

import pytest

from adapterhub.audit.comparing.advice import RULES, advice, rule_of
from adapterhub.audit.comparison import Pair, Together
from adapterhub.compose.methods import METHODS


def pair(**fields):
    plain = {"a": "ada/a@1", "b": "ada/b@1", "cosine": 0.0, "ratio": 1.0, "common": 4, "svd_error": 0.1}
    plain |= dict.fromkeys(("overlap", "overlap_out", "overlap_in", "overlap_by_chance", "sign_conflict"), 0.0)
    return Pair.model_validate({**plain, "sign_conflict_error": 0.0, **fields})


def test_what_is_shared_is_the_overlap_beyond_chance():
    assert pair(overlap=0.6, overlap_by_chance=0.2).shared == pytest.approx(0.5)
    assert pair(overlap=0.1, overlap_by_chance=0.2).shared == 0
    assert pair(overlap=1.0, overlap_by_chance=1.0).shared == 0


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("foreign", {"clashing": 1, "cosine": 1.0}),
        ("nothing", {"cosine": None}),
        ("separate", {"common": 0}),
        ("copy", {"cosine": 0.9999, "overlap": 1.0}),
        ("opposite", {"cosine": -1.0, "overlap": 1.0, "sign_conflict": 1.0}),
        ("opposite", {"cosine": -0.6, "overlap": 0.9, "sign_conflict": 0.7}),
        ("alike", {"cosine": 0.7, "overlap": 0.8}),
        ("apart", {"cosine": 0.05, "overlap": 0.1, "sign_conflict": 0.5}),
        ("apart", {"cosine": 0.01, "overlap": 0.5, "overlap_by_chance": 0.45, "sign_conflict": 0.5}),
        ("conflict", {"cosine": 0.05, "overlap": 0.5, "sign_conflict": 0.49}),
        ("conflict", {"cosine": -0.3, "overlap": 0.1, "sign_conflict": 0.6}),
        ("mixed", {"cosine": 0.3, "overlap": 0.5, "sign_conflict": 0.4}),
    ],
)
def test_the_first_rule_that_holds_is_the_advice(rule, fields):
    assert rule_of(pair(**fields)) == rule


def test_every_method_that_is_advised_can_be_asked_for():
    assert {name for rule in RULES.values() for name in rule.methods} <= set(METHODS)


def test_advice_names_the_pairs_of_each_rule_and_then_what_all_would_lose():
    pairs = [pair(advice="apart"), pair(b="ada/c@1", advice="copy"), pair(a="ada/b@1", b="ada/c@1", advice="apart")]
    said = list(advice(pairs, Together(sum_rank=24, rank=8, svd_error=0.3142)))
    assert [(one.rule, len(one.pairs)) for one in said] == [("copy", 1), ("apart", 2), ("together", 0)]
    assert said[0].pairs == (("ada/a@1", "ada/c@1"),)
    assert said[2].message.endswith("sum is exact at rank 24; cut to rank 8 by svd its relative error is 0.31")
