"""Notes that come with a commit: how many, how large and how young they may be.

Whoever asks for a repository lets its notes be read, so what a commit brings is bounded. The newest word on a matter
counts, so no note may say that it was said later than now.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, Refused
from adapterhub.note import IllFormed, Note
from adapterhub.protocols.hf_hub.layout import LARGEST_NOTE, OURS, latest, note_of
from adapterhub.reference import Name
from adapterhub.store.history.commit import TreeFile
from adapterhub.store.notes import files
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk

__all__ = ["MOST", "ROOM", "check_notes", "notes_about", "with_room"]

MOST = 1000
"""Notes that one commit brings, and that are kept about one entry under one name."""

ROOM = 16 << 20
"""Bytes of these together."""

PLACE = f"{OURS}/notes/"


def check_notes(desk: Desk, name: Name, tree: Iterable[TreeFile], fresh: Iterable[TreeFile]) -> None:
    """`Corrupt` where one of the fresh files lies among the notes and is none, or is too large to be one; `Refused` for
    too many of them, and for one of tomorrow."""
    new = [file for file in fresh if file.path.startswith(PLACE)]
    if not new:
        return
    _check_sum({file.path: file.size for file in new}, "this commit")
    until = latest()
    for about, own in map(_named, new):
        _check_time(own, _read(desk.store, about, own), until)
    for about in {about for about, _ in map(_named, new)}:
        if desk.sees is not None:
            _check_sum(_held(desk.store, name, tree, about), f"{name}, about {about.short},")


def _check_sum(sizes: Mapping[str, int], what: str) -> None:
    if len(sizes) > MOST or sum(sizes.values()) > ROOM:
        raise Refused(
            f"{what} has {len(sizes)} notes of {sum(sizes.values())} bytes together; at most {MOST} are kept, "
            f"of {ROOM} bytes",
            hint="send the newest; what a run logs fits into few",
        )


def _check_time(file: TreeFile, note: Note, latest: str) -> None:
    # Compared as `gather` orders them: what is no time at all, and counts as later than any, is refused too.
    if note.time > latest:
        raise Refused(
            f"{file.path}: said at {note.time[:40]}, which is later than now ({latest})",
            hint="is the clock right where it was said? Set it; this note can be sent when its time has come",
        )


def _held(store: Store, name: Name, tree: Iterable[TreeFile], about: Digest) -> dict[str, int]:
    """The notes about an entry, by name, with their sizes: those in a tree, and those that count under a name alone."""
    there = {path.name: path.stat().st_size for path in files(store.layout.notes(about, name))}
    prefix = f"{PLACE}{about.hex}/"
    return there | {file.path.removeprefix(prefix): file.size for file in tree if file.path.startswith(prefix)}


def with_room(desk: Desk, name: Name, about: Digest, notes: Iterable[Note]) -> Iterator[Note]:
    """Of what the files of a commit say, as much as there is room for; the files themselves stay where they are."""
    held = _held(desk.store, name, (), about)
    count, size = len(held), sum(held.values())
    for note in notes:
        length = len(note.to_bytes())
        if length <= LARGEST_NOTE and count < MOST and size + length <= ROOM:
            count, size = count + 1, size + length
            yield note


def notes_about(store: Store, tree: Iterable[TreeFile], wanted: Iterable[Digest]) -> dict[Digest, list[Note]]:
    """The notes in a tree about some entries; one that is ill-formed, and was let in before, counts for nothing."""
    known = set(wanted)
    found: dict[Digest, list[Note]] = {}
    for file in tree:
        named = note_of(file.path)
        if named and named[0] in known:
            with suppress(IllFormed):
                found.setdefault(named[0], []).append(_read(store, *_named(file)))
    return found


def _named(file: TreeFile) -> tuple[Digest, TreeFile]:
    """What a file among the notes is about."""
    about, own = note_of(file.path) or (None, None)
    if about is None or own != file.blob:
        raise Corrupt(
            f"{file.path}: no note of ours, its sha256 is {file.sha256}",
            hint=f"a note lies at {PLACE}DIGEST/SHA256.json, its own sha256",
        )
    return about, file


def _read(store: Store, about: Digest, file: TreeFile) -> Note:
    if file.size > LARGEST_NOTE:
        raise Corrupt(
            f"{file.path}: {file.size} bytes, a note has at most {LARGEST_NOTE}", hint="send less in one note"
        )
    note = Note.read(store.blobs.read(file.blob, file.path), about, file.path)
    if Digest.of(note.to_bytes()) != file.blob:
        raise Corrupt(f"{file.path}: not in canonical form", hint="write it as adapterhub does")
    return note
