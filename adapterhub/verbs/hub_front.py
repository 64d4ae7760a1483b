"""What the YAML of a repository's card says: read once, and remembered by the digest of the card's bytes."""

import json
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Any

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.protocols.hf_hub.card import Card, front_of, read_card
from adapterhub.protocols.hf_hub.layout import CARD
from adapterhub.store.history.commit import Commit
from adapterhub.verbs.desk import Desk

__all__ = ["MOST", "is_known", "said", "small"]

LARGEST = 1 << 20
"""Bytes of a card or a config that is read for a question."""

MOST = 1000
"""Tags that are told."""

KEPT = 256
"""Cards that are remembered; each is some 100 kB at the worst."""

_KNOWN: dict[Digest, tuple[str, Card]] = {}
"""The YAML as JSON, which is small and fast to read, and what it says; the oldest first."""

_CHANGING = Lock()


def is_known(commit: Commit) -> bool:
    """Whether `said` answers at once: reading the longest YAML takes seconds."""
    file = commit.file(CARD)
    return file is None or file.size > LARGEST or file.blob in _KNOWN


def said(desk: Desk, commit: Commit) -> tuple[dict[str, Any], Card]:
    """The YAML of a commit's card as plain data, and what it says, without the text below it."""
    file = commit.file(CARD)
    known = _KNOWN.get(file.blob) if file else None
    if file is None or (known is None and (text := small(desk, commit, CARD)) is None):
        return {}, Card()
    front, card = known or _remembered(file.blob, text or "")
    return json.loads(front), card


def _remembered(digest: Digest, text: str) -> tuple[str, Card]:
    front = front_of(text)
    card = read_card(text, front)
    found = json.dumps(front, ensure_ascii=False), replace(card, text="", metrics={}, more={}, tags=card.tags[:MOST])
    with _CHANGING:
        _KNOWN[digest] = found
        while len(_KNOWN) > KEPT:
            del _KNOWN[next(iter(_KNOWN))]
    return found


def small(desk: Desk, commit: Commit, path: str) -> str | None:
    """A small file of a commit as text; None where it is missing, large or damaged."""
    file = commit.file(path)
    if file is None or file.size > LARGEST:
        return None
    with suppress(AdapterHubError):
        return desk.store.blobs.read(file.blob, path).decode(errors="replace")
    return None
