"""A plan finds every mistake from shapes alone and tells all of them at once."""

import pytest
import torch

from adapterhub.compose.merging.plan import plan as plan_of
from adapterhub.compose.recipe import Recipe, of_expression
from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta, Form


def outline(out=6, into=5, rank=2, form="linear"):
    return Delta(torch.empty(rank, into, device="meta"), torch.empty(out, rank, device="meta"), 1.0, Form(form))


def plan(asked, outlines):
    return plan_of(asked, [Adapter(one) for one in outlines])


def recipe(*weights, **how):
    adapters = [{"adapter": f"a/{n}", "weight": weight} for n, weight in enumerate(weights)]
    return Recipe.model_validate({"adapters": adapters, **how})


def test_modules_unite_and_each_has_its_terms():
    steps = plan(recipe(0.5, -1.0), [{"q": outline(rank=2), "v": outline(rank=2)}, {"v": outline(rank=3)}])
    assert [(step.module, step.rank, [(t.operand, t.weight, t.rank) for t in step.terms]) for step in steps] == [
        ("q", 2, [(0, 0.5, 2)]),
        ("v", 5, [(0, 0.5, 2), (1, -1.0, 3)]),
    ]


@pytest.mark.parametrize(("method", "rank"), [("sum", 6), ("iso_c", 5), ("svd", 4), ("ties", 4), ("knots", 4)])
def test_without_a_rank_a_method_writes_the_largest_of_its_inputs_or_all(method, rank):
    (step,) = plan(recipe(1, 1, method=method), [{"m": outline(rank=2)}, {"m": outline(rank=4)}])
    assert step.rank == rank


def test_a_rank_is_cut_to_the_layer():
    (step,) = plan(recipe(1, rank=64), [{"m": outline(rank=4)}])
    assert step.rank == 5


def test_an_adapter_of_weight_zero_is_not_there():
    steps = plan(recipe(1.0, 0.0), [{"q": outline()}, {"q": outline(), "v": outline()}])
    assert [(step.module, len(step.terms)) for step in steps] == [("q", 1)]


@pytest.mark.parametrize("weights", [(0.0,), (0.0, -0.0)])
def test_nothing_to_merge_is_wrong_usage(weights):
    with pytest.raises(WrongUsage, match="every weight is 0"):
        plan(recipe(*weights), [{"m": outline()}] * len(weights))


def test_weights_and_methods_go_by_pattern():
    rules = [{"modules": "*.mlp.*", "method": "ties", "set": {"density": 0.5}}, {"modules": "*.1.*", "rank": 1}]
    adapters = [{"adapter": "a/a", "weight": 0.7, "modules": {"*.q": 0.2, "*.mlp.*": 0.0}}, {"adapter": "a/b"}]
    asked = Recipe.model_validate({"adapters": adapters, "method": "svd", "rules": rules})
    modules = {name: outline() for name in ("x.0.q", "x.1.q", "x.1.mlp.up")}
    steps = {step.module: step for step in plan(asked, [modules, modules])}
    assert [step.method for step in steps.values()] == ["svd", "ties", "svd"]
    assert steps["x.1.mlp.up"].params == {"density": 0.5, "scale": 1.0}
    assert [term.weight for term in steps["x.0.q"].terms] == [0.2, 1.0]
    assert [(term.operand, term.weight) for term in steps["x.1.mlp.up"].terms] == [(1, 1.0)]
    assert (steps["x.0.q"].limit.rank, steps["x.1.q"].limit.rank) == (2, 1)


def test_a_rule_with_another_method_does_not_inherit_its_parameters():
    asked = recipe(1, 1, method="ties", set={"density": 0.9}, rules=[{"modules": "v", "method": "tsv"}])
    steps = plan(asked, [{"q": outline(), "v": outline()}] * 2)
    assert [dict(step.params) for step in steps] == [{"density": 0.9, "scale": 1.0}, {"keep": 1.0, "scale": 1.0}]


def test_all_mistakes_are_told_at_once():
    rules = [{"modules": "nothing.*", "method": "magic"}]
    asked = recipe(1, 1, 1, method="slerp", set={"densty": 0.5}, rank=4, energy=0.5, rules=rules)
    with pytest.raises(WrongUsage) as error:
        plan(asked, [{"m": outline()}, {"m": outline(7)}, {}])
    for fault in ("'densty'", "magic", "nothing.*", "takes 2 adapters, got 3", "rank (4)", "6×5 in one, 7×5"):
        assert fault in str(error.value)


@pytest.mark.parametrize(("key", "value"), [("density", 0.0), ("density", 1.5), ("scale", float("inf"))])
def test_a_parameter_has_bounds(key, value):
    with pytest.raises((WrongUsage, ValueError), match=key):
        plan(recipe(1, method="ties", set={key: value}), [{"m": outline()}])


def test_shapes_that_differ_do_not_fit_and_are_all_named():
    small = {f"layers.{n}.q": outline() for n in range(3)}
    large = {f"layers.{n}.q": outline(8, 5) for n in range(3)}
    with pytest.raises(DoesNotFit, match=r"layers.0-2.q: layers.0.q is 6×5 in one, 8×5 in another"):
        plan(recipe(1, 1), [small, large])


def test_a_linear_layer_and_an_embedding_of_one_shape_do_not_meet():
    with pytest.raises(DoesNotFit, match=r"6×5 \(embedding\)"):
        plan(recipe(1, 1), [{"m": outline()}, {"m": outline(form="embedding")}])


def test_an_expression_is_a_recipe():
    asked = of_expression("ada/a@1*0.7 - ./run3*0.2", method="svd", rank=8)
    assert [(one.adapter, one.weight) for one in asked.adapters] == [("ada/a@1", 0.7), ("./run3", -0.2)]
    assert (asked.method, asked.rank) == ("svd", 8)


def test_what_cannot_be_carried_is_told_with_the_rest():
    odd = Adapter({"m": outline()}, magnitudes={"m": torch.empty(6, device="meta")})
    with pytest.raises(Refused, match="DoRA magnitudes at m"):
        plan_of(recipe(1), [odd])
    with pytest.raises(WrongUsage, match=r"no method is called 'magic'.*DoRA magnitudes at m"):
        plan_of(recipe(1, method="magic"), [odd])


def test_adapters_without_factors_cannot_be_merged():
    with pytest.raises(WrongUsage, match="no adapter has factors"):
        plan(recipe(1), [{}])


def test_a_field_that_is_not_known_is_a_mistake():
    with pytest.raises(ValueError, match="metod"):
        recipe(1, metod="ties")
