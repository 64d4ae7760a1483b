"""Modules whose weight a checkpoint stores as (in, out)."""

__all__ = ["transposed"]

CONV1D_TYPES = frozenset({"clvp", "clvp_decoder", "decision_transformer", "gpt2", "imagegpt", "openai-gpt"})
CONV1D_LEAVES = frozenset({"c_attn", "c_fc", "c_proj", "q_attn"})
"""The modules of class `Conv1D` in transformers 5.23; the heads of these models are Linear."""


def transposed(module: str, model_type: str | None) -> bool:
    """Whether a checkpoint of this type stores the module's weight as (in, out).

    >>> transposed("transformer.h.0.attn.c_attn", "gpt2"), transposed("lm_head", "gpt2")
    (True, False)
    """
    return model_type in CONV1D_TYPES and module.rpartition(".")[2] in CONV1D_LEAVES
