"""Tensors become the weights of modules."""

from adapterhub.base.row import TensorRow
from adapterhub.base.weights import named, weights_of

GGUF = {"general.architecture": "gpt2"}


def rows(**tensors):
    return [TensorRow(name=name, dtype=dtype, shape=shape) for name, (dtype, shape) in tensors.items()]


def weights(tensors, model_type="llama", config=None):
    config = config or {}
    found = weights_of(named(rows(**tensors), config), model_type, config)
    return {name: (weight.shape, weight.storage) for name, weight in found.items()}


def test_a_weight_belongs_to_its_module():
    assert weights({"h.0.q.weight": ("F32", (6, 5)), "h.0.q.bias": ("F32", (6,))}) == {"h.0.q": ((6, 5), "")}


def test_conv1d_is_told_as_out_by_in():
    tensors = {"h.0.attn.c_attn.weight": ("F32", (5, 15)), "lm_head.weight": ("F32", (9, 5))}
    assert weights(tensors, "gpt2") == {"h.0.attn.c_attn": ((15, 5), ""), "lm_head": ((9, 5), "")}


def test_a_gguf_lies_the_other_way_and_names_its_types():
    tensors = {"blk.0.attn_qkv.weight": ("Q4_K", (15, 5)), "blk.0.attn_norm.weight": ("F32", (5,))}
    assert weights(tensors, "gpt2", GGUF) == {
        "transformer.h.0.attn.c_attn": ((15, 5), "Q4_K"),
        "transformer.h.0.ln_1": ((5,), ""),
    }


def test_parameters_of_experts_are_weights_too():
    tensors = {
        "mlp.experts.gate_up_proj": ("BF16", (4, 6, 5)),
        "mlp.experts.down_proj_blocks": ("U8", (4, 64, 2, 16)),
        "mlp.experts.down_proj_scales": ("U8", (4, 64, 2)),
        "mlp.experts.gate_up_proj_bias": ("BF16", (4, 6)),
        "conv.kernel": ("F32", (3, 3, 3)),
    }
    assert weights(tensors) == {
        "mlp.experts.gate_up_proj": ((4, 6, 5), ""),
        "mlp.experts.down_proj": ((4, 64, 64), "mxfp4"),
    }


def test_all_tensors_of_a_quantised_weight_are_its():
    config = {"quantization_config": {"quant_method": "bitsandbytes"}}
    tensors = {"q.weight": ("U8", (15, 1)), "q.weight.absmax": ("F32", (1,)), "q.weight.quant_map": ("F32", (16,))}
    (weight,) = weights_of(named(rows(**tensors), config), "llama", config).values()
    assert (weight.shape, weight.count, weight.storage) == (None, 30, "bnb-4bit")
    assert weight.tensors == tuple(tensors)


def test_gamma_and_beta_are_the_old_names_of_a_norm():
    old = rows(**{"e.LayerNorm.gamma": ("F32", (5,)), "e.LayerNorm.beta": ("F32", (5,)), "gamma": ("F32", (5,))})
    assert list(named(old, {})) == ["e.LayerNorm.weight", "e.LayerNorm.bias", "gamma"]
