"""What a person wants pulled: references in remotes, and places on the Hub with the names they get here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

from adapterhub.entry import Entry
from adapterhub.errors import NotFound, WrongUsage
from adapterhub.note import gather
from adapterhub.protocols.hf_hub.address import Address, is_address, parse_address
from adapterhub.protocols.hf_hub.page import address_of, is_page
from adapterhub.reference import Name, Reference, parse
from adapterhub.registry import Listed, Registry, find
from adapterhub.verbs.desk import HUB, Desk

__all__ = ["Found", "Wanted", "found", "moves", "wanted"]

COMMIT = 12
"""Digits of a commit that are shown."""


@runtime_checkable
class Addressed(Protocol):
    """A registry in which also revisions and folders have an entry."""

    def find(self, address: Address, name: Name) -> tuple[Listed, Entry]: ...


@final
@dataclass(frozen=True)
class Wanted:
    """A reference; with an `address` the reference is what it will be called here."""

    word: str
    reference: Reference
    remote: str | None = None
    address: Address | None = None


@final
@dataclass(frozen=True)
class Found:
    """Where it was found, and what; `told` is what its finder should know."""

    wanted: Wanted
    source: Registry
    listed: Listed
    entry: Entry
    told: tuple[str, ...] = ()


def wanted(words: Iterable[str], remote: str | None) -> list[Wanted]:
    """Read the words. A name right after a place on the Hub, or a page of it, is what that will be called here."""
    each, queue = list[Wanted](), [str(address_of(word)) if is_page(word) else word for word in words]
    while queue:
        word = queue.pop(0)
        if is_address(word):
            named = queue.pop(0) if queue and not is_address(queue[0]) and not parse(queue[0]).remote else None
            each.append(_at_address(word, parse_address(word), named))
            continue
        reference = parse(word)
        if remote and reference.remote and reference.remote != remote:
            raise WrongUsage(f"{word} names the remote {reference.remote}, --from {remote}", hint="name one of them")
        each.append(Wanted(word, reference, reference.remote or remote))
    return each


def _at_address(word: str, address: Address, named: str | None) -> Wanted:
    if named is None and "/" not in address.repo:
        raise WrongUsage(
            f"{word} has no organisation, and every name here has a namespace",
            hint=f"say what it will be called: adapterhub pull {word} NAMESPACE/{address.repo}",
        )
    reference = parse(named or address.repo)
    if reference.is_digest:
        raise WrongUsage(f"{named}: a version is a word, not a digest", hint="write namespace/name or namespace/name@1")
    return Wanted(word, reference, HUB, address)


def found(desk: Desk, one: Wanted) -> Found:
    """Look for it; nothing is fetched but what tells what it is."""
    source = desk.remote(one.remote)
    if one.address is None:
        listed, entry = find(source, one.reference.here())
    else:
        if not isinstance(source, Addressed):
            raise NotFound(f"{one.word}: no Hub is asked for it", hint="is HF_ENDPOINT the address of one?")
        listed, entry = source.find(one.address, one.reference.name)
        if one.reference.pin:
            listed = Listed(one.reference, listed.digest, listed.time, listed.by, (), listed.detail)
    return Found(one, source, listed, entry, tuple(moves(desk, listed, entry)))


def moves(desk: Desk, listed: Listed, entry: Entry) -> Iterator[str]:
    """A tag on a Hub that meant another commit when it was pulled the last time; told once."""
    if listed.reference.pin is None:
        return
    meant: dict[str, dict[str, Reference]] = {}
    store = desk.store.under(listed.reference.name)
    for there in store.names.listed(listed.reference.name):
        for place, commit in gather(store.notes.about(there.digest)).origin.items():
            meant.setdefault(place, {})[commit] = there.reference
    for place, commit in gather(entry.notes).origin.items():
        for before, reference in meant.get(place, {}).items() if commit not in meant.get(place, {}) else ():
            yield (
                f"{place} was moved: it was commit {before[:COMMIT]} when {reference} was pulled, "
                f"and is {commit[:COMMIT]} now"
            )
