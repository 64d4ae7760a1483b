"""The five verbs every registry has, whatever it is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import Conflict, Corrupt
from adapterhub.reference import Name, Reference

__all__ = ["LabelTaken", "Listed", "Naming", "Published", "Registry", "find"]


class LabelTaken(Conflict):
    """A version's label means something else; another label would do."""


@dataclass(frozen=True)
class Listed:
    """A line of a registry's list: a pinned reference, its digest, when and by whom it was published, its aliases;
    `detail` says what a reader should know about how it was found."""

    reference: Reference
    digest: Digest
    time: str = ""
    by: str = ""
    aliases: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Published:
    """What `publish` did: the pinned reference, the digest it names, and how many bytes had to be read for it."""

    reference: Reference
    digest: Digest
    received: int = 0


class Registry(Protocol):
    """A place that holds entries. Reading goes down the list, `publish` goes up it."""

    def list(self) -> Iterator[Listed]:
        """Every version of every adapter, in no promised order."""
        ...

    def resolve(self, reference: Reference) -> Listed:
        """The version a reference means: an exact one, an alias's, a digest's, or the newest; `NotFound`."""
        ...

    def open(self, pinned: Digest) -> Entry:
        """The entry with this digest, its manifest verified; `NotFound` or `Corrupt` where there is none."""
        ...

    def publish(self, entry: Entry, reference: Reference) -> Published:
        """Make the entry readable under a version; without a pin, the one that has its digest or the next integer.

        Files first, then the manifest, then the name; only what is missing is read from the entry. `LabelTaken`
        when the version names something else.
        """
        ...

    def remove(self, reference: Reference) -> None:
        """Take one version's name away. Its bytes stay until a sweep."""
        ...


@runtime_checkable
class Naming(Protocol):
    """A registry in which what is said of an entry may differ from name to name; not every kind is one."""

    def under(self, name: Name) -> Registry:
        """The registry as it is under one name."""
        ...


def find(registry: Registry, reference: Reference) -> tuple[Listed, Entry]:
    """What a reference means, and the entry it names, with what is said of it under that name.

    `NotFound` where it is removed and swept between the two.
    """
    registry = registry.under(reference.name) if isinstance(registry, Naming) else registry
    listed = registry.resolve(reference)
    try:
        return listed, registry.open(listed.digest)
    except Corrupt:
        listed = registry.resolve(listed.reference)
        return listed, registry.open(listed.digest)
