"""Modules without a weight of their own."""

import pytest

from adapterhub.base.config import setting
from adapterhub.base.tied import tied
from adapterhub.base.weights import Weight


def names(config, **shapes):
    weights = {name.replace("__", "."): Weight(shape, (name,)) for name, shape in shapes.items()}
    return {name: weight.tensors for name, weight in tied(weights, config)}


@pytest.mark.parametrize("config", [{}, {"tie_word_embeddings": True}, {"text_config": {"tie_word_embeddings": True}}])
def test_an_output_layer_shares_the_embedding_unless_the_config_forbids_it(config):
    assert names(config, model__embed_tokens=(9, 5))["lm_head"] == ("model__embed_tokens",)


@pytest.mark.parametrize("config", [{"tie_word_embeddings": False}, {"text_config": {"tie_word_embeddings": False}}])
def test_it_does_not_where_the_config_forbids_it(config):
    assert names(config, model__embed_tokens=(9, 5)) == {}


def test_what_has_a_weight_is_not_tied():
    assert "lm_head" not in names({}, wte=(9, 5), lm_head=(9, 5))


def test_the_embedding_is_that_of_the_vocabulary():
    found = names({"vocab_size": 9}, vision__embeddings=(4, 5), model__embed_tokens=(9, 5))
    assert found["lm_head"] == ("model__embed_tokens",)
    assert names({"vocab_size": 8}, model__embed_tokens=(9, 5)) == {}


def test_two_halves_share_one_embedding_whatever_the_output_layer_does():
    found = names({"tie_word_embeddings": False}, model__shared=(9, 5))
    assert found.keys() == {"model.encoder.embed_tokens", "model.decoder.embed_tokens"}


def test_the_language_model_s_own_size_counts():
    assert setting({"vocab_size": 7, "text_config": {"vocab_size": 9}}, "vocab_size") == 9
    assert setting({"vocab_size": 7, "text_config": None}, "vocab_size") == 7
