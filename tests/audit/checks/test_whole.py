"""Checks of whole tensors."""

from adapterhub.audit.fit import fit
from adapterhub.facts import Facts
from tests.audit.builders import adapter, card


def found(one, base):
    return [(found.check, found.severity, found.place) for found in fit(one, base).findings]


def test_a_head_of_other_classes_is_worth_knowing_and_one_of_another_width_a_warning():
    base = card(**{"score.weight": (2, 5)})
    assert found(adapter(saved={"score.weight": (7, 5)}), base) == [("saved-tensor", "info", "score.weight")]
    assert found(adapter(saved={"score.weight": (2, 8)}), base) == [("saved-tensor", "warning", "score.weight")]
    assert found(adapter(saved={"score.weight": (2, 5)}), base) == []


def test_a_head_on_a_base_without_one_is_expected():
    classifier = Facts(format="peft", task="SEQ_CLS")
    one = adapter(saved={"score.weight": (2, 5)}, reasons={"score.weight": "head"}, facts=classifier)
    assert found(one, card()) == []


def test_a_trained_bias_needs_a_bias():
    one = adapter(saved={"norm.bias": (5,)}, reasons={"norm.bias": "bias"})
    assert found(one, card(**{"norm.bias": (5,)})) == []
    assert found(one, card()) == [("unexpected-tensor", "warning", "norm.bias")]


def test_a_saved_output_layer_that_is_tied_has_its_place():
    base = card({"model.embed_tokens": (9, 5), "model.layers.0.q_proj": (6, 5)})
    base = base.model_copy(update={"config": {"tie_word_embeddings": True}})
    one = adapter(
        {"model.layers.0.q_proj": (6, 5)}, saved={"lm_head.weight": (9, 5)}, reasons={"lm_head.weight": "embedding"}
    )
    assert "unexpected-tensor" not in {check for check, _, _ in found(one, base)}
