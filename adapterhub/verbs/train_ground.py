"""What a training stands on: its base as a word from anywhere, the folder it lies in, and who it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.audit.adapter import Adapter, Target
from adapterhub.audit.fit import fit
from adapterhub.errors import AdapterHubError, DoesNotFit, NotFound
from adapterhub.facts import Facts
from adapterhub.reference import is_folder
from adapterhub.verbs.bases import card_for
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.gate import gate
from adapterhub.verbs.live import folder_of_base

if TYPE_CHECKING:
    from adapterhub.base.card import Card
    from adapterhub.train.methods.attached import Attached

__all__ = ["Ground", "ground", "insist_on_place"]


@final
@dataclass(frozen=True)
class Ground:
    """A base: `word` is what commands take, `name` what is written into an adapter's config."""

    word: str
    name: str
    folder: Path
    card: "Card"


def ground(desk: Desk, base: str, folder: Path) -> Ground:
    """The base of a config that lies in `folder`; `NotFound` where there is none."""
    word = str((folder / base).absolute()) if is_folder(base) and base[0] == "." else base
    if is_folder(word) and not Path(word).expanduser().exists():
        raise NotFound(
            f"base: {base}: no such folder",
            hint="a base is a folder (relative to that of the config) or an entry of kind model",
        )
    place = folder_of_base(desk, word)
    try:
        card = card_for(desk, word)
    except AdapterHubError as error:
        raise type(error)(f"base: {base}: {error}", hint=error.hint) from None
    return Ground(word, place.name if is_folder(word) else word, place, card)


def insist_on_place(attached: "Attached", card: "Card", name: str) -> None:
    """`DoesNotFit` where the adapter that would be trained has no place in its base, and so could not be published."""
    if attached.outer is None:
        return
    targets = {module: Target(shape) for module, shape in attached.changed.items()}
    transposed = any(config.fan_in_fan_out for config in attached.outer.peft_config.values())
    adapter = Adapter(name, Facts(format="peft"), targets, transposed=transposed)
    try:
        gate([fit(adapter, card)], partial=False, misfit=False)
    except DoesNotFit as error:
        raise DoesNotFit(
            str(error),
            hint="what the base has no weights for is trained and saved whole: name it in adapter.heads (a task of "
            "one's own, in what its `heads` gives), or leave it out of adapter.targets",
        ) from None
