"""The usual Hub while nothing may be asked: what huggingface_hub's cache keeps of it is read, by name and revision.

A word means the commit that it meant when it was last asked for. That cache does not tell tags from branches, so every
word but main is taken for a tag. Where it does not know all files of a commit, what lies there may be a part of the
entry, and is no version by that name.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn, final

from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import Unreachable
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.address import Address
from adapterhub.protocols.hf_hub.client import Client
from adapterhub.protocols.hf_hub.faults import OFFLINE
from adapterhub.protocols.hf_hub.kept import KeptTree, kept_tree
from adapterhub.protocols.hf_hub.layout import alias_tag, is_version, note_of
from adapterhub.readable import count
from adapterhub.reference import Name, Reference
from adapterhub.registry import Listed, Published
from adapterhub.remotes.hub_entry import Lying, cards, read_entry, read_notes
from adapterhub.remotes.hub_said import origin, said
from adapterhub.store.summary import Summary

__all__ = ["KeptHub"]

COMMIT = 12
"""Digits of a commit that are shown."""


@final
@dataclass
class KeptHub:
    """A registry that answers for what was downloaded, and is read only."""

    client: Client
    missing: str = field(default="", init=False)
    _found: dict[Digest, tuple[KeptTree, Lying, str]] = field(default_factory=dict, init=False, repr=False)

    def list(self) -> Iterator[Listed]:
        """Nobody knows what there is."""
        self._refuse(self.client.endpoint)

    def summaries(self) -> Iterator[Summary]:
        """Nobody knows what there is."""
        self._refuse(self.client.endpoint)

    def resolve(self, reference: Reference) -> Listed:
        """See `Registry.resolve`; a branch or a commit is understood too, a digest is not."""
        if reference.is_digest:
            self._refuse(str(reference))
        return self.find(Address(str(reference.name), reference.pin), reference.name)[0]

    def find(self, address: Address, name: Name) -> tuple[Listed, Entry]:
        """The entry at a place of the Hub; it will be called `name`. `Unreachable` where files of it are not here."""
        tree = self._tree(address)
        lying = read_entry(tree, address.path)
        tree.insist(lying.files.place(file.path) for file in lying.manifest.files)
        known, digest = tree.whole or not lying.made, lying.manifest.digest
        label = _label(tree.words, address.revision) if known else None
        place = self.client.place(tree.repo, label or address.revision)
        self._found[digest] = (tree, lying, place + (f"#{address.path}" if address.path else ""))
        detail = f"{place} as it was downloaded last, at commit {tree.commit[:COMMIT]}"
        if not known:
            detail += "; huggingface_hub's cache does not tell whether these are all files of it"
        return Listed(Reference(name, label), digest, detail=detail), self.open(digest)

    def _tree(self, address: Address) -> KeptTree:
        """What is kept at a revision, else at the alias that it may be."""
        try:
            return kept_tree(self.client, address.repo, address.revision)
        except Unreachable:
            with suppress(Unreachable):
                if address.revision:
                    return kept_tree(self.client, address.repo, alias_tag(address.revision))
            raise

    def open(self, pinned: Digest) -> Entry:
        """See `Registry.open`; of what was found before."""
        if pinned not in self._found:
            self._refuse(str(pinned))
        tree, lying, place = self._found[pinned]
        notes = tuple(self._notes(tree, lying, place))
        return Entry(lying.manifest, lying.files, notes, tuple(cards(lying, notes)))

    def _notes(self, tree: KeptTree, lying: Lying, place: str) -> Iterator[Note]:
        """What is noted on main where that was downloaded too; what its card says; where it was found."""
        about = lying.manifest.digest
        with suppress(Unreachable):
            tree = kept_tree(self.client, tree.repo)
        named = {path: found[1] for path in tree.files if (found := note_of(path)) and found[0] == about}
        here = {path: digest for path, digest in named.items() if tree.has(path)}
        gone = len(named) - len(here)
        self.missing = f"without {count(gone, 'note')}: not in huggingface_hub's cache" if gone else ""
        yield from read_notes(tree, about, here)
        yield from said(lying) if lying.made else ()
        yield from origin(lying, place)

    def publish(self, entry: Entry, reference: Reference) -> Published:
        """Nothing may be asked."""
        self._refuse(str(reference))

    def remove(self, reference: Reference) -> None:
        """Nothing may be asked."""
        self._refuse(str(reference))

    def _refuse(self, what: str) -> NoReturn:
        raise Unreachable(f"{what}: not asked, since the network is switched off", hint=OFFLINE)


def _label(words: Sequence[str], asked: str | None) -> str | None:
    """The version that a commit is: by the word that was asked for, else by any that means it."""
    versions = [word for word in words if word != "main" and is_version(word)]
    return asked if asked in versions else next(reversed(versions), None)
