"""Weights that two layers share, as far as a folder can tell: the file has them once, under the embedding's name."""

from adapterhub.compose.checkpoints.checkpoint import Checkpoint
from adapterhub.compose.checkpoints.difference import Pair, difference
from adapterhub.compose.checkpoints.embeddings import embeds
from adapterhub.lora.values import DTYPES

__all__ = ["shared_with", "shares", "twin"]

PLACES = ("position", "wpe", "token_type", "segment")
HEADS = ("LMHeadModel", "ForCausalLM", "ForConditionalGeneration", "ForMaskedLM", "ForPreTraining", "DoubleHeadsModel")

HEADLESS = ("SequenceClassification", "TokenClassification", "QuestionAnswering", "MultipleChoice")
"""How classes end that have no output layer to share with; in two halves, both share one embedding all the same."""


def shared_with(base: Checkpoint, shape: tuple[int, ...]) -> str | None:
    """The embedding whose weight an output layer of this shape, which is not in the file, shares."""
    if base.setting("tie_word_embeddings") is False or not _is_vocabulary(base, shape):
        return None
    return next((name for name in _embeddings(base) if base.places[name][1].shape == tuple(shape)), None)


def shares(base: Checkpoint, tensor: str) -> bool:
    """Whether a change of this embedding is one of the output layer too."""
    if tensor not in _embeddings(base) or (said := base.setting("tie_word_embeddings")) is False:
        return False
    shape = base.places[tensor][1].shape
    kinds = [str(kind) for kind in base.config.get("architectures") or ()]
    alone = kinds and all(kind.endswith(HEADLESS) for kind in kinds) and not base.setting("is_encoder_decoder")
    if alone or not _is_vocabulary(base, shape):
        return False
    if said is True:
        return True
    # Where the config is silent its class decides, and most classes tie; a second matrix of this shape is the head.
    own = any(name != tensor and info.shape == shape for name, (_, info) in base.places.items())
    return not own and any(kind.endswith(HEADS) for kind in kinds or HEADS)


def twin(base: Checkpoint, tensor: str) -> str | None:
    """The output layer's own copy of an embedding it shares, where the files hold the same numbers twice."""
    tied = base.setting("tie_word_embeddings") is True and embeds(base, tensor.removesuffix(".weight"))
    if not tied or not shares(base, tensor):
        return None
    file, info = base.places[tensor]
    for name, (other_file, other) in base.places.items():
        alike = name != tensor and (other.shape, other.dtype) == (info.shape, info.dtype) and info.dtype in DTYPES
        if alike and not embeds(base, name.removesuffix(".weight")):
            pair = Pair(info, other, base.folder / file, base.folder / other_file)
            if difference(pair, look=True) is None:
                return name
    return None


def _is_vocabulary(base: Checkpoint, shape: tuple[int, ...]) -> bool:
    """Whether a matrix has a row for each token, and not for each position or kind of token."""
    vocabulary = base.setting("vocab_size")
    return type(vocabulary) is not int or shape[0] == vocabulary


def _embeddings(base: Checkpoint) -> list[str]:
    names = (name for name in base.places if name.endswith(".weight"))
    embeddings = (name for name in names if embeds(base, name.removesuffix(".weight")))
    of_tokens = (name for name in embeddings if not any(place in name for place in PLACES))
    return [name for name in of_tokens if len(base.places[name][1].shape) == 2]
