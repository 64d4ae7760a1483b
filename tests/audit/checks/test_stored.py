"""Checks of how a base stores weights."""

import pytest

from adapterhub.audit.fit import fit
from tests.audit.builders import LAYERS, adapter, card

EMBED, HEAD = "model.embed_tokens", "lm_head"


def base(head=False, **config):
    shapes = {**LAYERS, EMBED: (9, 5), **({HEAD: (9, 5)} if head else {})}
    return card(shapes).model_copy(update={"config": config})


def tied(module, base):
    return [found for found in fit(adapter({**LAYERS, module: (9, 5)}), base).findings if found.check == "tied-target"]


@pytest.mark.parametrize("module", [EMBED, HEAD])
@pytest.mark.parametrize("config", [{"tie_word_embeddings": True}, {"architectures": ["LlamaForCausalLM"]}])
def test_a_change_of_one_of_two_tied_layers_says_what_it_means(module, config):
    (found,) = tied(module, base(**config))
    assert (found.severity, found.place) == ("warning", module)
    assert f"{EMBED}.weight" in found.message


def test_an_embedding_of_its_own_is_not_tied():
    assert tied(EMBED, base(head=True, tie_word_embeddings=False)) == []
    assert tied(EMBED, base(head=True, architectures=["LlamaForCausalLM"])) == []
    assert tied(EMBED, base(architectures=["BertForSequenceClassification"])) == []
    assert tied(EMBED, base(architectures=7)) == []


def test_a_model_without_an_output_layer_ties_nothing_whatever_its_config_says():
    kinds = {"architectures": ["BertForSequenceClassification"], "tie_word_embeddings": True}
    assert tied(EMBED, base(**kinds)) == []
    assert tied(EMBED, base(**kinds, is_encoder_decoder=True))
