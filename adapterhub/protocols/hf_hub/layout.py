"""How an entry lies in a repository of a Hub, and which of its tags means what.

its files                                   at the root, or in one folder
README.md                                   the model card
adapterhub.json                             the manifest, in its canonical bytes
.adapterhub/notes/<digest>/<sha256>.json    notes about an entry, by its digest and their own
.adapterhub/bases/<sha256>.json             base cards

A version is a tag that is a legal label; an alias is the tag `alias/<alias>`.
"""

import re
from datetime import UTC, datetime, timedelta

from adapterhub.digest import Digest
from adapterhub.version import is_label

__all__ = [
    "ALIAS",
    "CARD",
    "CONFIG",
    "LARGEST_NOTE",
    "MANIFEST",
    "OURS",
    "alias_of",
    "alias_tag",
    "base_of",
    "base_path",
    "is_version",
    "latest",
    "note_of",
    "note_path",
    "reserved",
]

CARD, CONFIG = "README.md", "adapter_config.json"
MANIFEST = "adapterhub.json"
OURS = ".adapterhub"
ALIAS = "alias/"
LARGEST_NOTE = 1 << 20
"""Bytes of a note that a Hub of ours takes."""

AHEAD = timedelta(minutes=5)
"""How far the clock of whoever said something may be ahead of ours."""

HEX = "[0-9a-f]{64}"
NOTE = re.compile(rf"\.adapterhub/notes/({HEX})/({HEX})\.json")
BASE = re.compile(rf"\.adapterhub/bases/({HEX})\.json")


def latest() -> str:
    """The latest time that a note may bear which a Hub of ours takes, as notes write it."""
    return (datetime.now(UTC) + AHEAD).isoformat(timespec="microseconds").replace("+00:00", "Z")


def note_path(about: Digest, note: Digest) -> str:
    """Where a note about an entry lies."""
    return f"{OURS}/notes/{about.hex}/{note.hex}.json"


def note_of(path: str) -> tuple[Digest, Digest] | None:
    """What the note at a path is about, and its own digest; None for any other path."""
    found = NOTE.fullmatch(path)
    return (Digest(found[1]), Digest(found[2])) if found else None


def base_path(card: Digest) -> str:
    """Where a base card lies."""
    return f"{OURS}/bases/{card.hex}.json"


def base_of(path: str) -> Digest | None:
    """The digest of the base card at a path; None for any other path."""
    found = BASE.fullmatch(path)
    return Digest(found[1]) if found else None


def reserved(path: str) -> bool:
    """Whether a path is one of ours, so that no file of an entry may lie there.

    >>> reserved("adapterhub.json"), reserved(".adapterhub/notes"), reserved("README.md")
    (True, True, False)
    """
    folded = path.casefold()
    return folded in (MANIFEST, OURS) or folded.startswith(f"{OURS}/")


def is_version(tag: str) -> bool:
    """Whether a tag names a version."""
    return is_label(tag)


def alias_tag(alias: str) -> str:
    """The tag of an alias."""
    return ALIAS + alias


def alias_of(tag: str) -> str | None:
    """The alias that a tag is.

    >>> alias_of("alias/prod"), alias_of("prod")
    ('prod', None)
    """
    alias = tag.removeprefix(ALIAS)
    return alias if tag.startswith(ALIAS) and is_label(alias) else None
