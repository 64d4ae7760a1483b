"""Modules that transformers 5 renamed in the live model; on disk a checkpoint keeps the names of version 4.

So an adapter of version 4 and a checkpoint speak one language, an adapter of version 5 and a live model another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import final

from adapterhub.base.naming.phrases import Rewrite, change

__all__ = ["RENAMES", "Rename", "renames"]


@final
@dataclass(frozen=True)
class Rename:
    """Phrases of version 4, which are those on disk, and what version 5 calls them; for some types of models."""

    types: frozenset[str]
    phrases: dict[str, str]
    source: str


MEASURED = "the names of the live model against those of the checkpoint it saves, transformers 5.23"
QKV = {"query": "q_proj", "key": "k_proj", "value": "v_proj"}
MLP = {"attention.output.dense": "attention.o_proj", "intermediate.dense": "mlp.fc1", "output.dense": "mlp.fc2"}
EXPERTS = {"w1": "gate_proj", "w2": "down_proj", "w3": "up_proj"}
MOE = {
    **{f"block_sparse_moe.experts.{{}}.{old}": f"mlp.experts.{{}}.{new}" for old, new in EXPERTS.items()},
    "block_sparse_moe": "mlp",
}


def _attention(inner: str) -> dict[str, str]:
    return {f"attention.{inner}.{old}": f"attention.{new}" for old, new in QKV.items()}


def _block(old: str, new: str, modules: dict[str, str]) -> dict[str, str]:
    """The phrases of a repeated block: what is renamed in it, and the block itself for all else."""
    return {f"{old}.{before}": f"{new}.{after}" for before, after in modules.items()} | {old: new}


RENAMES = {
    "vit": Rename(
        frozenset({"audio-spectrogram-transformer", "beit", "deit", "ijepa", "vit", "vit_mae", "vit_msn", "vivit"}),
        _block("encoder.layer.{}", "layers.{}", {**_attention("attention"), **MLP}),
        MEASURED,
    ),
    "dinov2": Rename(
        frozenset({"dinov2", "dinov2_with_registers"}),
        _block(
            "encoder.layer.{}",
            "encoder.layer.{}",
            {
                **_attention("attention"),
                "attention.output.dense": "attention.o_proj",
                "mlp.weights_out": "mlp.down_proj",
            },
        ),
        MEASURED,
    ),
    "swin": Rename(frozenset({"swin"}), _block("blocks.{}", "blocks.{}", {**_attention("self"), **MLP}), MEASURED),
    "segformer": Rename(
        frozenset({"segformer"}),
        _block(
            "encoder.block.{}.{}",
            "stages.{}.blocks.{}",
            {
                **_attention("self"),
                "attention.self.sr": "attention.sequence_reduction.sequence_reduction",
                "attention.output.dense": "attention.o_proj",
                "mlp.dense1": "mlp.fc1",
                "mlp.dense2": "mlp.fc2",
            },
        )
        | {"encoder.patch_embeddings.{}": "stages.{}.patch_embeddings"},
        MEASURED,
    ),
    "gpt_neox": Rename(frozenset({"gpt_neox", "gptneox"}), {"embed_out": "lm_head"}, MEASURED),
    "moe": Rename(
        # llama.cpp files Mixtral under llama; no other model of that type has such a block.
        frozenset({"llama", "minimax", "minimax_m2", "mixtral"}),
        MOE,
        MEASURED,
    ),
    "kimi_linear": Rename(
        frozenset({"kimi_linear"}),
        {**MOE, **{f"self_attn.f_{one}_proj": f"self_attn.forget_gate.f_{one}_proj" for one in "ab"}},
        MEASURED,
    ),
    "phimoe": Rename(frozenset({"phimoe"}), {**MOE, "block_sparse_moe.gate": "mlp.router"}, MEASURED),
    "granitemoe": Rename(
        frozenset({"granitemoe", "granitemoehybrid", "granitemoeshared"}),
        {
            "block_sparse_moe.input_linear": "block_sparse_moe.experts.gate_up_proj",
            "block_sparse_moe.output_linear": "block_sparse_moe.experts.down_proj",
            "block_sparse_moe.router.layer": "block_sparse_moe.router",
        },
        MEASURED,
    ),
    "nemotron_h": Rename(
        frozenset({"nemotron_h"}),
        {"backbone.layers.{}": "model.layers.{}", "backbone.embeddings": "model.embeddings"},
        MEASURED,
    ),
    "nomic_bert": Rename(
        frozenset({"nomic_bert"}),
        _block(
            "encoder.layers.{}",
            "layers.{}",
            {
                "attn.out_proj": "self_attn.o_proj",
                "mlp.fc11": "mlp.up_proj",
                "mlp.fc12": "mlp.gate_proj",
                "mlp.fc2": "mlp.down_proj",
            },
        ),
        MEASURED,
    ),
    "jina": Rename(
        frozenset({"jina_embeddings_v3"}),
        _block("encoder.layers.{}", "layers.{}", {"mixer.out_proj": "self_attn.o_proj"}),
        MEASURED,
    ),
    "gte": Rename(
        frozenset({"gte"}),
        _block("encoder.layer.{}", "layers.{}", {"attention.o_proj": "self_attn.o_proj"}),
        MEASURED,
    ),
}


def renames(model_type: str | None) -> Iterator[tuple[str, Rewrite]]:
    """The rules for a type of model, each in both directions; all of them where the type is not known."""
    for name, row in RENAMES.items():
        if model_type is None or model_type in row.types:
            yield f"{name} 4 to 5", _rewrite(name, back=False)
            yield f"{name} 5 to 4", _rewrite(name, back=True)


@cache
def _rewrite(name: str, *, back: bool) -> Rewrite:
    phrases = RENAMES[name].phrases
    return change({new: old for old, new in phrases.items()} if back else phrases)
