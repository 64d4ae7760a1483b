"""Names of llama.cpp. Its converter's own tables were held against these for each architecture; a few stand here."""

import pytest

from adapterhub.base.naming.gguf_names import ARCHITECTURES, LLAMA, transformers_names


@pytest.mark.parametrize(
    ("architecture", "here", "there"),
    [
        ("llama", "blk.31.attn_q.weight", "model.layers.31.self_attn.q_proj.weight"),
        ("llama", "blk.0.ffn_gate_exps.weight", "model.layers.0.mlp.experts.gate_proj.weight"),
        ("qwen2", "blk.0.attn_k.bias", "model.layers.0.self_attn.k_proj.bias"),
        ("qwen3", "token_embd.weight", "model.embed_tokens.weight"),
        ("gemma2", "blk.1.ffn_norm.weight", "model.layers.1.pre_feedforward_layernorm.weight"),
        ("phi2", "blk.1.attn_output.weight", "model.layers.1.self_attn.dense.weight"),
        ("phi3", "blk.1.ffn_up.weight", "model.layers.1.mlp.gate_up_proj.weight"),
        ("gpt2", "blk.1.ffn_down.weight", "transformer.h.1.mlp.c_proj.weight"),
        ("gptneox", "output.weight", "lm_head.weight"),
        ("bloom", "blk.1.attn_qkv.weight", "transformer.h.1.self_attention.query_key_value.weight"),
        ("bert", "blk.1.ffn_up.weight", "encoder.layer.1.intermediate.dense.weight"),
        ("never-heard-of", "output_norm.weight", "model.norm.weight"),
        (None, "rope_freqs.weight", "rope_freqs.weight"),
    ],
)
def test_a_tensor_has_the_name_transformers_gives_it(architecture, here, there):
    assert transformers_names(architecture)(here) == there


@pytest.mark.parametrize("table", [LLAMA, *ARCHITECTURES.values()], ids=["llama", *ARCHITECTURES])
def test_no_two_tensors_become_one(table):
    assert len(set(table.values())) == len(table)
