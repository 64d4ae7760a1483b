"""Checks of how a base stores the weights an adapter changes: shared between layers, or quantised."""

from collections.abc import Iterator

from adapterhub.audit.checks.words import info
from adapterhub.audit.pair import Pair
from adapterhub.base.config import setting
from adapterhub.base.fold import sentence
from adapterhub.base.tied import HEADS
from adapterhub.finding import Finding

__all__ = ["quantised", "tied", "unshaped"]

WITH_HEAD = ("LMHeadModel", "ForCausalLM", "ForConditionalGeneration", "ForMaskedLM", "ForPreTraining",
             "DoubleHeadsModel")  # fmt: skip
"""How the classes of transformers end that tie their output layer where the config does not forbid it."""

HEADLESS = ("SequenceClassification", "TokenClassification", "QuestionAnswering", "MultipleChoice")
"""How those end that have no output layer, whatever the config says; in two halves, both share one embedding."""

PLAIN = "audit it on the plain base these were made from too: what fits there fits here"

QUANTISED = "`stack` works, on a model that was loaded quantised; `fuse` and `merge` into the weights are refused"


def tied(pair: Pair) -> Iterator[Finding]:
    """One weight, two layers: a change of one of them, written into the weight, is a change of both."""
    shared = {**pair.tied, **_shared_embeddings(pair)}
    if shared:
        yield Finding(
            check="tied-target",
            severity="warning",
            place=sentence(shared),
            message=f"{pair.base.name} has one weight, {sentence(dict.fromkeys(shared.values()))}, for embedding and "
            "output layer: stacked, the adapter changes the one layer it names; fused, it would change both",
            remedy="stack it; `fuse` refuses this unless both are meant to change",
        )


def _shared_embeddings(pair: Pair) -> dict[str, str]:
    """The embeddings an adapter changes whose weight is that of an output layer too."""
    if not _ties(pair):
        return {}
    held = {name for weight in pair.base.reachable.values() if weight.rule == "tied" for name in weight.tensors}
    found = {module: weight.tensors for module, weight in pair.weights.items() if not weight.rule}
    return {module: names[0] for module, names in found.items() if held.intersection(names)}


def _ties(pair: Pair) -> bool:
    """By the config; where it is silent, by the class and by whether the files have an output layer too."""
    said = setting(pair.base.config, "tie_word_embeddings")
    listed = pair.base.config.get("architectures")
    kinds = [str(kind) for kind in listed] if isinstance(listed, list) else []
    alone = kinds and all(kind.endswith(HEADLESS) for kind in kinds)
    if said is False or (alone and not setting(pair.base.config, "is_encoder_decoder")):
        return False
    return bool(said) or (
        any(kind.endswith(WITH_HEAD) for kind in kinds) and pair.base.weights.keys().isdisjoint(HEADS)
    )


def quantised(pair: Pair) -> Iterator[Finding]:
    """Weights in fewer bits."""
    ways: dict[str, list[str]] = {}
    for module, way in pair.quantised.items():
        ways.setdefault(way, []).append(module)
    for way, modules in ways.items():
        yield info("quantised-target", sentence(modules), f"{pair.base.name} stores these weights as {way}", QUANTISED)


def unshaped(pair: Pair) -> Iterator[Finding]:
    """Weights packed so that no header says their shape."""
    if pair.unshaped:
        message = f"the headers of {pair.base.name} do not say the shapes of {len(pair.unshaped)} weights"
        yield info("unshaped-target", sentence(pair.unshaped), f"{message}, so they were not compared", PLAIN)
