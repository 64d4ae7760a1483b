"""Whether a bucket honours conditions. Many servers take them without a word and overwrite all the same."""

import secrets

from adapterhub.errors import Refused
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.remotes.bucket_tree import PROBE

__all__ = ["probe"]


def probe(objects: Objects) -> None:
    """`Refused` unless an object that is there cannot be created again, nor changed from a state it no longer has."""
    path = str(PROBE)
    stale = objects.write(path, _word())
    if objects.create(path, _word()):
        raise _ignored(objects.url, "If-None-Match")
    objects.write(path, _word())
    if objects.swap(path, _word(), stale) is not None:
        raise _ignored(objects.url, "If-Match")


def _word() -> bytes:
    return secrets.token_hex(8).encode()


def _ignored(url: str, condition: str) -> Refused:
    return Refused(
        f"{url}: its server ignores {condition}, so two writers could overwrite each other's versions",
        hint="it can be read; to write, use a server that honours conditions, or `adapterhub serve` over a folder",
    )
