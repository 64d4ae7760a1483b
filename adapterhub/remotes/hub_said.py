"""What is noted of an entry that was found on a stranger's Hub: where it was found, its card, the base it names."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from adapterhub.note import Note
from adapterhub.protocols.hf_hub.card import base_named, read_card
from adapterhub.protocols.hf_hub.layout import CONFIG
from adapterhub.remotes.hub_entry import Lying

__all__ = ["origin", "said"]


def origin(lying: Lying, place: str) -> Iterator[Note]:
    """By which word it was found and at which commit, so that a tag which moves is noticed."""
    yield from _notes(lying, {"origin": {place: lying.files.tree.commit}})


def said(lying: Lying) -> Iterator[Note]:
    """What the files beside the weights say. The same commit says the same, whoever asks and when."""
    card, config = read_card(lying.card), _config(lying)
    base = base_named(card, config.get("base_model_name_or_path"), config.get("revision"))
    yield from _notes(
        lying,
        {
            "card": {"text": lying.card} if lying.card else {},
            "license": {"id": card.license} if card.license else {},
            "base": base if lying.manifest.kind == "adapter" else {},
        },
    )


def _notes(lying: Lying, told: dict[str, dict[str, Any]]) -> Iterator[Note]:
    about, time = str(lying.manifest.digest), lying.time
    for kind, data in told.items():
        with suppress(ValidationError):  # no words of a stranger's keep his adapter out
            if data:
                yield Note.model_validate({"about": about, "kind": kind, "data": data, "time": time})


def _config(lying: Lying) -> dict[str, Any]:
    try:
        read = json.loads(lying.files.held.get(CONFIG, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
