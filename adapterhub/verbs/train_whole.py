"""A model that was trained whole: beside the weights it has what reads its inputs, and it knows what it was made of."""

import shutil
from dataclasses import replace
from pathlib import Path

from adapterhub.base.card import Card
from adapterhub.formats.folder import is_tokenizer, read_folder
from adapterhub.verbs.add import Request
from adapterhub.verbs.bases import base_add_card, card_bytes, pin_of
from adapterhub.verbs.desk import Desk

__all__ = ["complete", "pinned"]

PROCESSORS = ("preprocessor_config.json", "processor_config.json")


def complete(folder: Path, base: Path) -> None:
    """Copy tokenizer and processor of a base to the folder of a model that has none, so that it loads by itself."""
    for name, path in read_folder(base).files.items():
        if (is_tokenizer(name) or name in PROCESSORS) and not (folder / name).exists():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / name)


def pinned(desk: Desk, card: Card, request: Request) -> Request:
    """The request of a whole model with its base pinned by content, whatever `add` says of bases of models."""
    base_add_card(desk, card)
    return replace(request, base=None, pin=pin_of(card), cards=(card_bytes(card),))
