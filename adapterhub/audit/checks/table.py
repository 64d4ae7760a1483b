"""What the audit looks for: one function and one line of the table each. A check yields findings or none."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

from adapterhub.audit.checks import bases, files, misread, modules, stored, vocabulary, whole
from adapterhub.audit.pair import Pair
from adapterhub.finding import Finding

__all__ = ["CHECKS", "Check"]


@final
@dataclass(frozen=True)
class Check:
    """A row of the table: what the check asks, and the function that answers."""

    about: str
    look: Callable[[Pair], Iterator[Finding]]


CHECKS = {
    "missing-module": Check("Is every module there?", modules.missing),
    "shape": Check("Has every weight the shape the adapter changes?", modules.shape),
    "vocabulary": Check("Have embeddings and output layers a row for the same tokens?", vocabulary.look),
    "drift": Check("Are the weights those it was trained on?", bases.drift),
    "no-hashes": Check("Can that be told at all?", bases.no_hashes),
    "uncompared": Check("Of every module?", bases.uncompared),
    "model-type": Check("Is the base of the kind it was trained on?", bases.model_type),
    "base-name": Check("Do the names of the base agree with each other and with its digest?", bases.base_name),
    "other-base": Check("Is it the base the adapter names?", bases.other_base),
    "pin-contradicted": Check("Do the manifest's pin and later notes agree?", bases.pins),
    "quantised-elsewhere": Check("Was it trained on a quantised copy?", bases.quantised_elsewhere),
    "tied-target": Check("Does it change a weight that two layers share?", stored.tied),
    "quantised-target": Check("Does it change a weight that is stored in fewer bits?", stored.quantised),
    "unshaped-target": Check("Do the headers say the shape of every weight?", stored.unshaped),
    "target": Check("Does every target of the config match something?", modules.targets),
    "fewer-layers": Check("Does it change every layer its targets match?", modules.fewer_layers),
    "targets-nothing": Check("Does it target anything?", modules.nothing),
    "unread-module": Check("Was every module compared?", modules.unread),
    "ambiguous-experts": Check("Is it known which side of the experts' factors is the input?", modules.ambiguous),
    "saved-tensor": Check("Which whole tensors does it bring in another size?", whole.saved),
    "unexpected-tensor": Check("Which whole tensors does it bring that the base has no place for?", whole.unexpected),
    "pickle-beside": Check("Are there pickles beside the weights?", files.pickles),
    "misread": Check("Which engines would misread it?", misread.look),
}
