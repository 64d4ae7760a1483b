"""What a word names where a folder may stand for an entry: the entry, its facts, and what to call it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import final

from adapterhub.entry import Entry, FolderFiles
from adapterhub.facts import Facts
from adapterhub.note import gather
from adapterhub.reference import is_folder
from adapterhub.store.derived import facts_of
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.look import manifest_of

__all__ = ["Subject", "subject"]


@final
@dataclass(frozen=True)
class Subject:
    """An entry. `label` names this version (a folder by its path), `name` the adapter without its pin.

    Facts are derived when they are asked for: an entry of no known format has none, and can be exported all the same.
    """

    label: str
    name: str
    entry: Entry
    card: str = ""
    derive: Callable[[], Facts] = field(kw_only=True, repr=False)

    @cached_property
    def facts(self) -> Facts:
        return self.derive()

    @property
    def digest(self) -> str:
        return str(self.entry.digest)


@contextmanager
def subject(desk: Desk, word: str) -> Iterator[Subject]:
    """The entry of a reference, or the one `add` would make of a folder."""
    from adapterhub.formats.intake import take

    if not is_folder(word):
        listed, entry = desk.find(word)
        yield Subject(
            str(listed.reference),
            str(listed.reference.name),
            entry,
            gather(entry.notes).card,
            derive=lambda: facts_of(desk.store, listed.digest, entry),
        )
        return
    path = desk.folder(word)
    with take(path) as intake:
        files = FolderFiles(path, dict(intake.paths))
        yield Subject(word, word, Entry(manifest_of(intake), files), intake.card, derive=lambda: intake.facts)
