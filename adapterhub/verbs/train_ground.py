"""What a training stands on: its base as a word from anywhere, the folder it lies in, and who it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.errors import AdapterHubError, NotFound
from adapterhub.reference import is_folder
from adapterhub.verbs.bases import card_for
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.live import folder_of_base

if TYPE_CHECKING:
    from adapterhub.base.card import Card

__all__ = ["Ground", "ground"]


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
