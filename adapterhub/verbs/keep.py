"""`path`, `alias`, `tag`, `note`, `pin`, `remove`, `check`, `sweep`, `catalog`: keep house."""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError, Refused, WrongUsage
from adapterhub.note import gather
from adapterhub.registry import Listed
from adapterhub.store.catalog import write_catalog
from adapterhub.store.check import Checked, Donor, check
from adapterhub.store.derived import folder_of
from adapterhub.store.sweep import GRACE, Swept, sweep
from adapterhub.verbs.bases import base_add_card, card_for, pin_of
from adapterhub.verbs.desk import Desk

__all__ = [
    "alias",
    "catalog",
    "check_store",
    "note",
    "path",
    "pin",
    "remove",
    "sweep_store",
    "tag",
]


def path(desk: Desk, word: str) -> Path:
    """A read-only folder with the entry's files, for tools that want a path."""
    return folder_of(desk.store, desk.store.resolve(desk.reference(word)).digest)


def alias(desk: Desk, word: str, name: str, expect: str | None = None) -> Listed:
    """Let an alias mean a version."""
    reference = desk.reference(word, "`adapterhub push {here} --to {remote} --alias ALIAS` moves it there")
    return desk.store.alias(reference, name, expect)


def _say(desk: Desk, word: str, kind: str, data: dict[str, Any]) -> Listed:
    """Note something about an entry, unless that is known."""
    listed = desk.store.resolve(desk.reference(word))
    store = desk.store.under(listed.reference.name)
    if not gather(store.notes.about(listed.digest)).says(kind, data):
        store.note(listed.reference, store.say(listed.digest, kind, data))
    return listed


def tag(desk: Desk, word: str, tags: Iterable[str], drop: Iterable[str] = ()) -> Listed:
    """Tag an entry, or take tags off."""
    said = {key: sorted(words) for key, words in (("add", set(tags)), ("remove", set(drop))) if words}
    if not said:
        raise WrongUsage("no tag is given", hint="adapterhub tag ada/poet prod-candidate")
    return _say(desk, word, "tags", said)


def note(desk: Desk, word: str, values: dict[str, Any]) -> Listed:
    """Note numbers (as metrics) and words (as values) about an entry."""
    if not values:
        raise WrongUsage("nothing is noted", hint="adapterhub note ada/poet accuracy=0.93 reviewer=ada")
    numbers = {key: value for key, value in values.items() if isinstance(value, (int, float))}
    words = {key: value for key, value in values.items() if key not in numbers}
    for kind, data in (("metrics", numbers), ("values", words)):
        if data:
            _say(desk, word, kind, data)
    return desk.store.resolve(desk.reference(word))


def pin(desk: Desk, word: str, base: str) -> Listed:
    """Note which base an entry was trained on, by content."""
    card = card_for(desk, base)
    listed = desk.store.resolve(desk.reference(word))
    if (kind := desk.store.manifest(listed.digest).kind) != "adapter":
        raise Refused(f"{listed.reference} is of kind {kind}, and has no base", hint="pin adapters only")
    base_add_card(desk, card)
    return _say(desk, word, "base", pin_of(card).plain())


def remove(desk: Desk, word: str, *, everything: bool = False) -> list[Listed]:
    """Take the name of a version away, or with `everything` those of all versions and all aliases.

    The bytes stay until a sweep.
    """
    reference = desk.reference(word)
    if everything and reference.pin is not None:
        raise WrongUsage(
            f"{reference} is one version, and --all means every one of {reference.name}",
            hint=f"write {reference} without --all, or {reference.name} --all",
        )
    there = desk.store.names.listed(reference.name)
    if reference.pin is None and len(there) > 1 and not everything:
        labels = ", ".join(str(listed.reference.pin) for listed in there)
        raise WrongUsage(
            f"{reference.name} has {len(there)} versions: {labels}; which one?",
            hint=f"write {there[-1].reference}, or give --all to remove them all",
        )
    gone = there if everything and there else [desk.store.resolve(reference)]
    if everything:
        desk.store.drop_aliases(reference.name)
    for listed in gone:
        desk.store.remove(listed.reference)
    return gone


def check_store(desk: Desk, *, repair: bool = False, progress: Callable[[int], None] = lambda _: None) -> Checked:
    """Is every byte as it should be? With `repair`, remotes are asked for what is damaged."""
    donors = tuple(_donors(desk)) if repair else ()
    return check(desk.store, repair=repair, donors=donors, progress=progress, read_card=Card.from_bytes)


@runtime_checkable
class Lending(Protocol):
    """A registry that gives out any blob by its digest."""

    def blob(self, digest: Digest) -> BinaryIO: ...


def _donors(desk: Desk) -> Iterable[Donor]:
    for name in desk.store.settings.remotes:
        with suppress(AdapterHubError):
            registry = desk.remote(name)
            if isinstance(registry, Lending):
                yield registry.blob


def sweep_store(desk: Desk, grace: float | None = None) -> Swept:
    """Free what nobody names."""
    grace = GRACE if grace is None else grace
    if not (math.isfinite(grace) and grace >= 0):
        raise WrongUsage(f"the grace period is {grace} seconds", hint="give 0 or more")
    return sweep(desk.store, grace)


def catalog(desk: Desk) -> Path:
    """Write catalog.json, for web sites."""
    desk.store.create()
    write_catalog(desk.store)
    return desk.store.layout.catalog
