"""One adapter at weight 1 is what peft makes of it, whatever it carries."""

import peft
import pytest
import torch

from adapterhub.compose.live.stack import stack
from adapterhub.lora.adapter import Adapter, Gain
from adapterhub.lora.load import load
from tests.compose.builders import TARGETS, adapter, ask, lora, saved, theirs, tiny, wrapped
from tests.lora.builders import entry_of

KINDS = ["llama", "gpt2", "bert", "vit"]
CONFIGS = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "patterns": {"rank_pattern": {"0.*": 2}, "alpha_pattern": {"1.*": 3}},
    "dora": {"use_dora": True},
    "bias lora_only": {"bias": "lora_only"},
    "bias all": {"bias": "all"},
    "lora_bias": {"lora_bias": True},
    "dora with biases": {"use_dora": True, "bias": "lora_only"},
}
WORDS = {"llama": "embed_tokens", "gpt2": "wte", "bert": "word_embeddings"}
HEADS = {"llama": ["lm_head"], "gpt2": ["ln_f"], "bert": ["classifier", "pooler"], "vit": ["classifier"]}


@torch.no_grad()
def agree(kind, folder, **fields):
    """Whether the stack answers as peft does; and that this is not what the base answers."""
    wanted = theirs(kind, folder, **fields)
    model = tiny(kind, **fields)
    plain = ask(model, kind)
    with stack(model, [("a", load(entry_of(folder)), 1.0)]):
        got = ask(model, kind)
    assert torch.equal(ask(model, kind), plain)
    assert not torch.allclose(got, plain, atol=1e-2)
    return torch.allclose(got, wanted, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("kind", KINDS)
def test_one_adapter_answers_as_peft_does(tmp_path, kind, config):
    assert agree(kind, adapter(tmp_path, kind, **config))


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize("kind", WORDS)
def test_an_embedding_is_changed_as_peft_does(tmp_path, kind, dora):
    assert agree(kind, adapter(tmp_path, kind, target_modules=[*TARGETS[kind], WORDS[kind]], use_dora=dora))


@pytest.mark.parametrize("kind", WORDS)
def test_trained_tokens_are_put_in_as_peft_does(tmp_path, kind):
    assert agree(kind, adapter(tmp_path, kind, trainable_token_indices={WORDS[kind]: [1, 5, 7]}))


@pytest.mark.parametrize("kind", KINDS)
def test_whole_modules_are_put_in_as_peft_does(tmp_path, kind):
    assert agree(kind, adapter(tmp_path, kind, modules_to_save=HEADS[kind]))


@pytest.mark.parametrize(
    "config",
    [
        {"trainable_token_indices": [1, 5, 7]},
        {"modules_to_save": ["embed_tokens"]},
        {"modules_to_save": ["lm_head"]},
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"target_modules": ["q_proj", "lm_head"]},
    ],
    ids=str,
)
def test_tied_weights_are_told_apart_as_peft_does(tmp_path, config):
    """Only the module that is named changes; trained tokens alone change both, as they are one vocabulary."""
    tied = {"tie_word_embeddings": True}
    assert agree("llama", saved(wrapped("llama", lora("llama", **config), **tied), tmp_path), **tied)


IA3 = {
    "llama": (["k_proj", "down_proj"], ["down_proj"]),
    "gpt2": (["c_attn", "mlp.c_proj"], ["mlp.c_proj"]),
    "bert": (["key", "output.dense"], ["output.dense"]),
    "vit": (["k_proj", "fc2", "projection"], ["fc2", "projection"]),
}


def ia3(model):
    """The vectors of a model in peft's hands."""
    gains = {}
    for name, module in model.get_base_model().named_modules():
        if hasattr(module, "ia3_l"):
            side = "in" if module.is_feedforward else "out"
            gains[name] = Gain(module.ia3_l["default"].detach().flatten(), side)
    return Adapter(gains=gains)


@pytest.mark.parametrize("kind", IA3)
@torch.no_grad()
def test_ia3_multiplies_as_peft_does(kind):
    targets, feedforward = IA3[kind]
    config = peft.IA3Config(target_modules=targets, feedforward_modules=feedforward, fan_in_fan_out=kind == "gpt2")
    wrapper = wrapped(kind, config)
    one, model = ia3(wrapper), tiny(kind)
    assert {gain.side for gain in one.gains.values()} == {"in", "out"}
    plain = ask(model, kind)
    with stack(model, [("a", one, 1.0)]):
        got = ask(model, kind)
    assert torch.allclose(got, ask(wrapper, kind), atol=2e-5, rtol=2e-5)
    assert not torch.allclose(got, plain, atol=1e-2)
