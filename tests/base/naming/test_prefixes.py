"""Prefixes come and go, and never become another."""

import pytest

from adapterhub.base.naming.prefixes import prefixes, unwrapped


def rules(model_type, wanted, there):
    return [rule for rule, _ in prefixes(model_type, set(wanted).__contains__, set(there).__contains__)]


def test_a_prefix_comes_off_where_the_base_has_none():
    assert rules("bert", ["bert."], ["encoder."]) == ["prefix bert. left out"]
    assert rules("bert", ["encoder."], ["bert."]) == ["prefix bert. added"]
    assert rules("bert", ["bert."], ["bert."]) == []


@pytest.mark.parametrize(
    ("model_type", "prefix"), [("xlm-roberta", "roberta."), ("mamba", "backbone."), (None, "model.")]
)
def test_a_type_has_its_own_prefix(model_type, prefix):
    assert rules(model_type, [prefix], []) == [f"prefix {prefix} left out"]


def test_relatives_are_not_exchanged():
    assert rules("roberta", ["bert."], ["roberta."]) == ["prefix roberta. added"]
    assert rules("bert", ["roberta."], ["encoder."]) == []


def test_what_a_wrapper_left_comes_off():
    found = dict(unwrapped({"_orig_mod."}.__contains__, set().__contains__))
    assert found["prefix _orig_mod. left out"]("_orig_mod.model.x") == "model.x"
