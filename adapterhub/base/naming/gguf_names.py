"""What llama.cpp calls the tensors of a model, and what transformers 5 calls them. Source: gguf 0.19, tensor_mapping.

Experts are one tensor for all of them, gate and up apart: `mlp.experts.gate_proj` of three dimensions.
"""

from functools import cache

from adapterhub.base.naming.phrases import Rewrite, change

__all__ = ["ARCHITECTURES", "transformers_names"]

Table = dict[str, str]


def _blocks(block: str, modules: Table) -> Table:
    return {f"blk.{{}}.{here}": f"{block}.{{}}.{there}" for here, there in modules.items()}


QKV = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj"}
NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
SHARED = {f"ffn_{leaf}_shexp": f"mlp.shared_expert.{leaf}_proj" for leaf in ("gate", "up", "down")}
EXPERTS = {f"ffn_{leaf}_exps": f"mlp.experts.{leaf}_proj" for leaf in ("gate", "up", "down", "gate_up")}
LLAMA = {
    "token_embd": "model.embed_tokens",
    "output": "lm_head",
    "output_norm": "model.norm",
    **_blocks(
        "model.layers",
        {
            **QKV,
            **NORMS,
            **SHARED,
            **EXPERTS,
            "attn_output": "self_attn.o_proj",
            "attn_qkv": "self_attn.qkv_proj",
            "attn_q_norm": "self_attn.q_norm",
            "attn_k_norm": "self_attn.k_norm",
            "attn_q_a": "self_attn.q_a_proj",
            "attn_q_b": "self_attn.q_b_proj",
            "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa",
            "attn_kv_b": "self_attn.kv_b_proj",
            "ffn_gate": "mlp.gate_proj",
            "ffn_up": "mlp.up_proj",
            "ffn_down": "mlp.down_proj",
            "ffn_gate_inp": "mlp.gate",
            "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
        },
    ),
}
GEMMA_NORMS = {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}


def _parallel(block: str, attention: str) -> Table:
    """Bloom, Falcon and GPT-NeoX: queries, keys and values in one, and names of Megatron."""
    modules = {"attn_qkv": f"{attention}.query_key_value", "attn_output": f"{attention}.dense"}
    return _blocks(block, {**modules, **NORMS, "ffn_up": "mlp.dense_h_to_4h", "ffn_down": "mlp.dense_4h_to_h"})


GEMMA = {**LLAMA, **_blocks("model.layers", GEMMA_NORMS)}
TOP = {"output": "lm_head", "output_norm": "transformer.ln_f"}
ARCHITECTURES: dict[str, Table] = {
    "gemma2": GEMMA,
    "gemma3": GEMMA,
    "phi2": {
        **LLAMA,
        "output_norm": "model.final_layernorm",
        **_blocks("model.layers", {"attn_output": "self_attn.dense", "ffn_up": "mlp.fc1", "ffn_down": "mlp.fc2"}),
    },
    "phi3": {**LLAMA, **_blocks("model.layers", {"ffn_up": "mlp.gate_up_proj"})},
    "glm4": {**LLAMA, **_blocks("model.layers", {"ffn_up": "mlp.gate_up_proj"})},
    "deepseek2": {
        **LLAMA,
        **_blocks("model.layers", {here: there.replace("expert.", "experts.") for here, there in SHARED.items()}),
    },
    "gpt-oss": {**LLAMA, **_blocks("model.layers", {"ffn_gate_inp": "mlp.router"})},
    "mamba": {
        **LLAMA,
        "token_embd": "backbone.embeddings",
        "output_norm": "backbone.norm_f",
        **_blocks(
            "backbone.layers",
            {
                "attn_norm": "norm",
                "ssm_in": "mixer.in_proj",
                "ssm_x": "mixer.x_proj",
                "ssm_dt": "mixer.dt_proj",
                "ssm_out": "mixer.out_proj",
            },
        ),
    },
    "starcoder2": {**LLAMA, **_blocks("model.layers", {"ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"})},
    "gpt2": {
        **TOP,
        "token_embd": "transformer.wte",
        "position_embd": "transformer.wpe",
        **_blocks(
            "transformer.h",
            {
                "attn_qkv": "attn.c_attn",
                "attn_output": "attn.c_proj",
                "attn_norm": "ln_1",
                "ffn_norm": "ln_2",
                "ffn_up": "mlp.c_fc",
                "ffn_down": "mlp.c_proj",
            },
        ),
    },
    "gptneox": {
        "output": "lm_head",
        "output_norm": "gpt_neox.final_layer_norm",
        "token_embd": "gpt_neox.embed_in",
        **_parallel("gpt_neox.layers", "attention"),
    },
    "bloom": {
        **TOP,
        "token_embd": "transformer.word_embeddings",
        "token_embd_norm": "transformer.word_embeddings_layernorm",
        **_parallel("transformer.h", "self_attention"),
    },
    "falcon": {
        **TOP,
        "token_embd": "transformer.word_embeddings",
        **_parallel("transformer.h", "self_attention"),
    },
    "bert": {
        "token_embd": "embeddings.word_embeddings",
        "token_types": "embeddings.token_type_embeddings",
        "position_embd": "embeddings.position_embeddings",
        "token_embd_norm": "embeddings.LayerNorm",
        **_blocks(
            "encoder.layer",
            {
                "attn_q": "attention.self.query",
                "attn_k": "attention.self.key",
                "attn_v": "attention.self.value",
                "attn_output": "attention.output.dense",
                "attn_output_norm": "attention.output.LayerNorm",
                "layer_output_norm": "output.LayerNorm",
                "ffn_up": "intermediate.dense",
                "ffn_down": "output.dense",
            },
        ),
    },
}
"""By `general.architecture`; all others call their modules as Llama does."""


@cache
def transformers_names(architecture: str | None) -> Rewrite:
    """What rewrites the name of a tensor.

    >>> transformers_names("gpt2")("blk.3.attn_qkv.weight")
    'transformer.h.3.attn.c_attn.weight'
    """
    return change(ARCHITECTURES.get(architecture or "", LLAMA))
