"""Which modules are embeddings: a checkpoint holds matrices and names, and not what kind of layer each one is.

An embedding is stored (vocabulary, dim), and its change is written the other way round. The names in `SURE` are those
transformers gives to embeddings alone. Others that speak of one are given to linear layers too (`patch_embedding`,
`class_embed`): they are believed where the matrix has as many rows as the config counts words in some vocabulary.
"""

import re
from collections.abc import Iterator
from typing import Any

from adapterhub.compose.checkpoints.checkpoint import Checkpoint

__all__ = ["embeds"]

SURE = re.compile(
    r"embed_(tokens|positions|in)(_.*)?|wte|wpe|relative_attention_bias"
    r"|(tok|word|token|token_type|position|row|column)_embeddings?"
)
LIKELY = re.compile(r"shared|(.*_)?(embed|embeddings?|embed_tokens)")


def embeds(base: Checkpoint, module: str) -> bool:
    """Whether a module of a checkpoint is an embedding."""
    last, weight = module.rpartition(".")[2], base.find(f"{module}.weight")
    if SURE.fullmatch(last) or weight is None:
        return SURE.fullmatch(last) is not None
    return LIKELY.fullmatch(last) is not None and weight.shape[:1] in {(size,) for size in _vocabularies(base.config)}


def _vocabularies(config: Any) -> Iterator[int]:
    """The sizes of all vocabularies a config and its parts speak of."""
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _vocabularies(value)
        elif key.endswith("vocab_size") and type(value) is int:
            yield value
