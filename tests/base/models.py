"""Tiny models of transformers with random weights: what their modules are called, and the folders they save."""

import torch
import transformers

TEXT = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 24,
    "vocab_size": 40,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
IMAGES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "image_size": 16,
    "patch_size": 8,
}
MOE = {
    **TEXT,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 12,
    "shared_intermediate_size": 12,
    "shared_expert_intermediate_size": 12,
    "head_dim": 8,
}
SWIN = {"image_size": 16, "patch_size": 2, "embed_dim": 8, "depths": (1, 1), "num_heads": (2, 2), "window_size": 2}
SEGFORMER = {
    "num_encoder_blocks": 2,
    "depths": [1, 1],
    "sr_ratios": [2, 1],
    "hidden_sizes": [8, 16],
    "num_attention_heads": [1, 2],
    "decoder_hidden_size": 16,
    "patch_sizes": [3, 3],
    "strides": [2, 2],
    "mlp_ratios": [2, 2],
}
ROPE = {"rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4}}
NEMOTRON = {
    **TEXT,
    "num_hidden_layers": 3,
    "hybrid_override_pattern": "M*-",
    "mamba_num_heads": 2,
    "mamba_head_dim": 8,
    "n_groups": 1,
    "ssm_state_size": 4,
}
WHISPER = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "vocab_size": 40,
    "max_source_positions": 16,
    "max_target_positions": 16,
    "pad_token_id": 0,
}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 40, "bos_token_id": 1, "eos_token_id": 2}
QWEN_IMAGES = {"depth": 2, "hidden_size": 16, "num_heads": 2, "patch_size": 8}


def _wrapped(text: str, vision: str, **fields: object) -> dict[str, object]:
    images = {"model_type": vision, **IMAGES, **fields}
    return {
        "text_config": {"model_type": text, **TEXT, "head_dim": 8},
        "vision_config": images,
        "image_token_index": 5,
        "projection_dim": 16,
    }


MODELS: dict[str, tuple[str, dict[str, object]]] = {
    "audio-spectrogram-transformer": (
        "ASTForAudioClassification",
        {**IMAGES, "num_mel_bins": 16, "max_length": 16},
    ),
    "beit": ("BeitForImageClassification", IMAGES),
    "bert": ("BertForMaskedLM", TEXT),
    "big_bird": ("BigBirdForMaskedLM", TEXT),
    "bloom": ("BloomForCausalLM", {"hidden_size": 16, "n_layer": 2, "n_head": 2, "vocab_size": 40}),
    "deberta-v2": ("DebertaV2ForMaskedLM", TEXT),
    "deit": ("DeiTForImageClassification", IMAGES),
    "dinov2": ("Dinov2Model", {**IMAGES, "use_swiglu_ffn": True}),
    "dinov2_with_registers": ("Dinov2WithRegistersForImageClassification", IMAGES),
    "distilbert": (
        "DistilBertForMaskedLM",
        {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "vocab_size": 40},
    ),
    "gemma3": ("Gemma3ForConditionalGeneration", _wrapped("gemma3_text", "siglip_vision_model")),
    "gpt2": ("GPT2LMHeadModel", GPT2),
    "gpt_neox": ("GPTNeoXForCausalLM", TEXT),
    "gpt_oss": ("GptOssForCausalLM", MOE),
    "granitemoe": ("GraniteMoeForCausalLM", MOE),
    "granitemoehybrid": (
        "GraniteMoeHybridForCausalLM",
        {**MOE, "layer_types": ["attention"] * 2, "mamba_n_heads": 4, "mamba_d_head": 8},
    ),
    "granitemoeshared": ("GraniteMoeSharedForCausalLM", MOE),
    "gte": ("GteForMaskedLM", TEXT),
    "ijepa": ("IJepaForImageClassification", IMAGES),
    "internvl": (
        "InternVLForConditionalGeneration",
        {**_wrapped("qwen2", "internvl_vision", image_size=[16, 16], patch_size=[8, 8]), "image_token_id": 5},
    ),
    "jina_embeddings_v3": ("JinaEmbeddingsV3ForMaskedLM", TEXT),
    "kimi_linear": ("KimiLinearForCausalLM", MOE),
    "llama": ("LlamaForCausalLM", TEXT),
    "llava": ("LlavaForConditionalGeneration", _wrapped("llama", "clip_vision_model")),
    "minimax": ("MiniMaxForCausalLM", MOE),
    "minimax_m2": ("MiniMaxM2ForCausalLM", MOE),
    "mistral3": ("Mistral3ForConditionalGeneration", _wrapped("mistral", "pixtral", head_dim=8)),
    "mixtral": ("MixtralForCausalLM", MOE),
    "modernbert": ("ModernBertForMaskedLM", {**TEXT, "cls_token_id": 1, "sep_token_id": 2}),
    "nemotron_h": ("NemotronHForCausalLM", NEMOTRON),
    "nomic_bert": ("NomicBertForMaskedLM", TEXT),
    "paligemma": ("PaliGemmaForConditionalGeneration", _wrapped("gemma", "siglip_vision_model")),
    "phimoe": ("PhimoeForCausalLM", MOE),
    "qwen2_5_vl": (
        "Qwen2_5_VLForConditionalGeneration",
        {
            "text_config": {**TEXT, **ROPE},
            "vision_config": {**QWEN_IMAGES, "intermediate_size": 24, "out_hidden_size": 16},
        },
    ),
    "qwen2_moe": ("Qwen2MoeForCausalLM", MOE),
    "qwen2_vl": (
        "Qwen2VLForConditionalGeneration",
        {"text_config": {**TEXT, **ROPE}, "vision_config": {**QWEN_IMAGES, "embed_dim": 16, "mlp_ratio": 2}},
    ),
    "roberta": ("RobertaForMaskedLM", TEXT),
    "segformer": ("SegformerForImageClassification", SEGFORMER),
    "swin": ("SwinForImageClassification", SWIN),
    "t5": (
        "T5ForConditionalGeneration",
        {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "vocab_size": 40},
    ),
    "vit": ("ViTForImageClassification", IMAGES),
    "vit_mae": ("ViTMAEModel", IMAGES),
    "vit_msn": ("ViTMSNModel", IMAGES),
    "vivit": ("VivitForVideoClassification", {**IMAGES, "num_frames": 2, "tubelet_size": [2, 8, 8]}),
    "whisper": ("WhisperForConditionalGeneration", WHISPER),
}
"""By type: the class, and the fields of its config."""


def built(model_type: str) -> transformers.PreTrainedModel:
    """A model with random weights."""
    name, fields = MODELS[model_type]
    kind = getattr(transformers, name)
    model = kind(kind.config_class(**fields))
    assert model.config.model_type == model_type
    return model


def shapes(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """The weights an adapter can change in the live model: of matrices (out, in), and of parameters of experts."""
    found = {}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, torch.Tensor) and weight.ndim == 2:
            found[name] = tuple(weight.shape)[:: -1 if type(module).__name__ == "Conv1D" else 1]
    experts = ((name, p) for name, p in model.named_parameters() if p.ndim == 3 and ".experts." in name)
    return found | {name: tuple(p.shape) for name, p in experts if not name.endswith(".weight")}
