"""`add`: a folder or file in any known format becomes an entry."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from adapterhub.audit.fit import fit
from adapterhub.audit.read import adapter_of
from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import Conflict
from adapterhub.formats.intake import Intake, take
from adapterhub.formats.members import FolderMembers
from adapterhub.manifest import BasePin, File, Manifest, Parent
from adapterhub.note import Note, gather
from adapterhub.reference import Reference
from adapterhub.registry import Published, find
from adapterhub.store.blobs import BlobFiles
from adapterhub.store.derived import keep_facts
from adapterhub.store.session import Session, several
from adapterhub.store.store import Store
from adapterhub.transfer.copy import Progress
from adapterhub.verbs.bases import base_add_card, card_bytes, pin_for
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.gate import gate
from adapterhub.verbs.shown import Shown, left_out, shown

__all__ = ["Request", "add", "add_intake", "fresh_notes", "read_of", "said_of"]


@final
@dataclass(frozen=True)
class Request:
    """What is said about a new entry beside its files: its base as a word, or as a pin that is known already.

    `partial` and `misfit` pin it to a base in which only some of its modules have a place, or none.
    """

    base: str | None = None
    pin: BasePin | None = None
    cards: tuple[bytes, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    license: str = ""
    cost: Mapping[str, Any] = field(default_factory=dict)
    training: dict[str, Any] | None = None
    recipe: dict[str, Any] | None = None
    parents: tuple[Parent, ...] = ()
    convert_pickle: bool = False
    partial: bool = False
    misfit: bool = False


def add(desk: Desk, path: Path, name: str, request: Request, progress: Progress | None = None) -> Shown:
    """Read a folder or file once, keep it, and name it. Adding the same again changes nothing."""
    reference = desk.target(name)
    with closing(take(path, convert_pickle=request.convert_pickle)) as intake:
        return add_intake(desk, intake, reference, request, progress)


def add_intake(
    desk: Desk, intake: Intake, reference: Reference, request: Request, progress: Progress | None = None
) -> Shown:
    """The same for what has been looked at already."""
    pin, cards, card = request.pin, request.cards, None
    said = said_of(intake, request)
    for kind, data in said.items():
        desk.store.say(Digest.of(b""), kind, data)  # what cannot be said is refused before anything is read
    if request.base:
        pin, card = pin_for(desk, request.base, intake)
        _check_fit(intake, card, request)
        cards = (card_bytes(card),)
    with desk.store.session() as session:
        manifest = Manifest.made(
            kind=intake.kind,
            files=_take_all(session, intake.paths, progress),
            base=pin,
            parents=request.parents,
            recipe=request.recipe,
            training=request.training,
        )
        notes = fresh_notes(desk.store.under(reference.name), manifest, said, read_of(intake, request))
        entry = Entry(manifest, BlobFiles(desk.store.blobs), notes, cards)
        published = session.publish(entry, reference)
    keep_facts(desk.store, manifest.digest, intake.facts)
    if card is not None:
        base_add_card(desk, card)
    return _shown(desk.store, published, intake)


def _check_fit(intake: Intake, card: Card, request: Request) -> None:
    """What does not fit is refused: the pin would be false for ever."""
    if intake.facts.format == "peft":
        report = fit(adapter_of(FolderMembers(intake.paths), "this adapter", facts=intake.facts), card)
        gate([report], partial=request.partial, misfit=request.misfit)


def _shown(store: Store, published: Published, intake: Intake) -> Shown:
    answer = shown(*find(store, published.reference), intake.facts)
    return answer.model_copy(update={"left_out": left_out(intake)})


def _take_all(session: Session, paths: Mapping[str, Path], progress: Progress | None) -> tuple[File, ...]:
    """Read all files, several at once, into the session."""

    def one(item: tuple[str, Path]) -> File:
        name, path = item
        before = path.stat()
        advance = progress.begin(name, before.st_size) if progress else _nobody
        with path.open("rb") as stream:
            digest, size = session.take(stream, lambda chunk: advance(len(chunk)))
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
            raise Conflict(
                f"{path} changed while it was read", hint="wait until whoever writes it is done, then try again"
            )
        return File(path=name, size=size, sha256=digest.hex)

    size = sum(path.stat().st_size for path in paths.values())
    return tuple(several(one, sorted(paths.items()), size, session.halted.set))


_nobody: Callable[[int], None] = lambda _: None  # noqa: E731


def said_of(intake: Intake, request: Request) -> dict[str, dict[str, Any]]:
    """What is said about a new entry, by kind of note."""
    said: dict[str, dict[str, Any]] = {
        "metrics": dict(request.metrics),
        "tags": {"add": sorted(request.tags)} if request.tags else {},
        "license": {"id": request.license} if request.license else {},
        "card": {"text": intake.card} if intake.card else {},
        "log": intake.logs,
        "cost": dict(request.cost),
    }
    return {kind: data for kind, data in said.items() if data}


def read_of(intake: Intake, request: Request) -> dict[str, dict[str, Any]]:
    """What the folder itself says of its run."""
    run = intake.run
    return {"metrics": run.metrics, "cost": run.cost, "training": {} if request.training else run.training}


def fresh_notes(
    store: Store, manifest: Manifest, said: dict[str, dict[str, Any]], read: dict[str, dict[str, Any]]
) -> tuple[Note, ...]:
    """What is said, less what the store has heard already; what is read counts where nobody has spoken."""
    known = gather(store.notes.about(manifest.digest))
    for kind, data in read.items():
        spoken = {**(known.values if kind == "metrics" else {}), **getattr(known, kind)}
        if new := {name: value for name, value in data.items() if name not in spoken}:
            said = {**said, kind: {**new, **said.get(kind, {})}}
    fresh = {kind: data for kind, data in said.items() if not known.says(kind, data)}
    return tuple(store.say(manifest.digest, kind, data) for kind, data in fresh.items())
