"""`show`, `list`, `search`, `log`: look, and touch nothing."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from adapterhub.digest import copy_and_hash
from adapterhub.errors import Refused
from adapterhub.manifest import File, Manifest
from adapterhub.reference import is_folder
from adapterhub.store.events import Event
from adapterhub.store.summary import Summary
from adapterhub.verbs.desk import Desk, contents
from adapterhub.verbs.shown import Shown, facts_or_why, left_out, shown

if TYPE_CHECKING:
    from adapterhub.formats.intake import Intake

__all__ = ["list_entries", "log", "manifest_of", "search", "show"]


@runtime_checkable
class Summarising(Protocol):
    """A registry that can tell the facts of all its entries at once."""

    def summaries(self) -> Iterator[Summary]: ...


def show(desk: Desk, word: str) -> Shown:
    """An entry of this store, of a remote (`team:ada/poet`), or a folder that is none yet."""
    if is_folder(word):
        return _show_folder(desk, desk.folder(word), word)
    listed, entry = desk.find(word)
    return shown(listed, entry, facts_or_why(desk.store, listed, entry))


def _show_folder(desk: Desk, path: Path, word: str) -> Shown:
    """What `add` would make of a folder, and what this store calls it if it has it."""
    from adapterhub.formats.intake import take

    with closing(take(path)) as intake:
        manifest = manifest_of(intake)
        return Shown(
            reference=word,
            digest=str(manifest.digest),
            manifest=manifest,
            facts=intake.facts,
            metrics=intake.run.metrics,
            cost=intake.run.cost,
            training=intake.run.training,
            findings=intake.facts.findings,
            card=intake.card,
            known_as=desk.names_of([manifest]).get(contents(manifest), ()),
            left_out=left_out(intake),
        )


def manifest_of(intake: "Intake") -> Manifest:
    """The manifest `add` would write for a folder without a base."""
    files = []
    for name, path in sorted(intake.paths.items()):
        with path.open("rb") as stream:
            digest, size = copy_and_hash(stream)
        files.append(File(path=name, size=size, sha256=digest.hex))
    return Manifest.made(kind=intake.kind, files=tuple(files))


def list_entries(desk: Desk, remote: str | None = None) -> list[Summary]:
    """Every version of every adapter, with its facts."""
    registry = desk.remote(remote) if remote else desk.store
    if not isinstance(registry, Summarising):
        raise Refused(
            f"{remote}: this kind of remote cannot be listed", hint="name what you want: namespace/name@version"
        )
    return list(registry.summaries())


def search(desk: Desk, text: str = "", **question: Any) -> list[dict[str, Any]]:
    """The summaries that answer a question, from the index."""
    from adapterhub.store.index.query import Question
    from adapterhub.store.index.query import search as ask

    return ask(desk.store, Question(text=text, **question)) if desk.store.exists() else []


def log(desk: Desk, word: str | None = None) -> list[Event]:
    """What was done to an adapter, or to all, oldest first; with a pin, to that version alone."""
    if word is None:
        return list(desk.store.events.all())
    reference = desk.reference(word)
    if reference.pin is None:
        events = list(desk.store.events.all(str(reference.name)))
        if not any(event.reference for event in events):  # else it was, once
            desk.store.resolve(reference)
        return events
    version = str(desk.store.resolve(reference).reference)
    return [event for event in desk.store.events.all(str(reference.name)) if event.reference == version]
