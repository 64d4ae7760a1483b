"""Modules whose weight is another's: the file has it once, under the name of the embedding.

Source: `_tied_weights_keys` of the classes of transformers 5.23.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from adapterhub.base.config import setting
from adapterhub.base.weights import Weight

__all__ = ["HEADS", "tied"]

HEADS = (
    "lm_head",
    "language_model.lm_head",
    "embed_out",
    "lm_head.decoder",
    "cls.predictions.decoder",
    "predictions.decoder",
    "generator_lm_head",
    "output_projection",
    "pred_layer.proj",
    "proj_out",
    "vocab_projector",
    "decoder",
)
"""Output layers."""

EMBEDDINGS = ("embed_tokens", "wte", "word_embeddings", "shared", "embed_in", "tok_embeddings", "embeddings")
COPIES = ("encoder.embed_tokens", "decoder.embed_tokens")
"""Embeddings that are `shared`, whatever the config says of the output layer."""


def tied(weights: Mapping[str, Weight], config: Mapping[str, Any]) -> Iterator[tuple[str, Weight]]:
    """The modules that have no weight of their own, with the one they share."""
    shared = next((name for name in weights if name.rpartition(".")[2] == "shared"), None)
    if shared is not None:
        prefix = shared.removesuffix("shared")
        yield from _of(weights, shared, [prefix + copy for copy in COPIES])
    embedding = _embedding(weights, setting(config, "vocab_size"))
    # What the whole says of ties counts before what its parts were, each on its own.
    said = config.get("tie_word_embeddings", setting(config, "tie_word_embeddings"))
    if embedding is not None and said is not False:
        yield from _of(weights, embedding, HEADS)


def _of(weights: Mapping[str, Weight], embedding: str, modules: Any) -> Iterator[tuple[str, Weight]]:
    weight = weights[embedding]
    for module in modules:
        if module not in weights:
            yield module, Weight(weight.shape, weight.tensors, weight.storage, rule="tied")


def _embedding(weights: Mapping[str, Weight], vocabulary: Any) -> str | None:
    """The embedding of tokens: a row for each."""
    embeddings = (name for name in weights if name.rpartition(".")[2] in EMBEDDINGS)
    matrices = ((name, shape[0]) for name in embeddings if (shape := weights[name].shape) and len(shape) == 2)
    return next((name for name, rows in matrices if type(vocabulary) is not int or rows == vocabulary), None)
