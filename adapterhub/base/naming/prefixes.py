"""Prefixes that come and go: a model with its head keeps the bare model under an attribute."""

from collections.abc import Callable, Iterator

from adapterhub.base.naming.phrases import Rewrite

__all__ = ["PREFIXES", "prefixes", "unwrapped"]

PREFIXES = {
    "big_bird": "bert",
    "bert-generation": "bert",
    "camembert": "roberta",
    "data2vec-audio": "data2vec_audio",
    "data2vec-text": "data2vec_text",
    "data2vec-vision": "data2vec_vision",
    "deberta-v2": "deberta",
    "falcon_mamba": "backbone",
    "jina_embeddings_v3": "roberta",
    "mamba": "backbone",
    "mamba2": "backbone",
    "megatron-bert": "bert",
    "vit_mae": "vit",
    "vit_msn": "vit",
    "xlm-roberta": "roberta",
    "xlm-roberta-xl": "roberta",
    "xlstm": "backbone",
    "xmod": "roberta",
    "yolos": "vit",
}
"""The attribute under which a model with a head keeps the bare model, where that is not `model`, `transformer` or the
model type itself. Source: `base_model_prefix` of the classes of transformers 5.23."""

WRAPPED = ("base_model.model", "_orig_mod", "module")
"""What is left of those who wrapped a model before it was saved: PEFT twice, torch.compile, data parallelism."""

Begins = Callable[[str], bool]


def prefixes(model_type: str | None, wanted: Begins, there: Begins) -> Iterator[tuple[str, Rewrite]]:
    """The rules that may apply, by what begins names of the adapter (`wanted`) and of the base (`there`).

    One prefix may come or go, never become another: bert. and roberta. wrap the same names and other weights.
    """
    own = PREFIXES.get(model_type or "", (model_type or "model").replace("-", "_"))
    for prefix in dict.fromkeys((own, "model", "transformer", *WRAPPED)):
        dotted = f"{prefix}."
        if not there(dotted) and wanted(dotted):
            yield f"prefix {dotted} left out", _left_out(dotted)
        if there(dotted) and not wanted(dotted):
            yield f"prefix {dotted} added", _added(dotted)


def unwrapped(wanted: Begins, there: Begins) -> Iterator[tuple[str, Rewrite]]:
    """The rules that take off what a wrapper left; others may follow."""
    for prefix in WRAPPED:
        dotted = f"{prefix}."
        if wanted(dotted) and not there(dotted):
            yield f"prefix {dotted} left out", _left_out(dotted)


def _left_out(dotted: str) -> Rewrite:
    return lambda module: module.removeprefix(dotted)


def _added(dotted: str) -> Rewrite:
    return lambda module: dotted + module
