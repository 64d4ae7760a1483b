"""`export`, `path`, `alias`, `tag`, `note`, `pin`, `remove`, `check`, `sweep`, `catalog`: keep house."""

import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from adapterhub.base.card import Card
from adapterhub.digest import Digest, copy_and_hash
from adapterhub.document import Document
from adapterhub.durable import make_folder
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, Conflict, Refused, WrongUsage
from adapterhub.manifest import File
from adapterhub.note import gather
from adapterhub.reference import home_path
from adapterhub.registry import Listed
from adapterhub.store.catalog import write_catalog
from adapterhub.store.check import Checked, Donor, check
from adapterhub.store.derived import folder_of, write_files
from adapterhub.store.sweep import GRACE, Swept, sweep
from adapterhub.verbs.bases import base_add_card, card_for, pin_of
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.subject import subject

__all__ = [
    "Exported",
    "alias",
    "catalog",
    "check_store",
    "export",
    "note",
    "path",
    "pin",
    "remove",
    "sweep_store",
    "tag",
]


class Exported(Document):
    """A folder that was written."""

    reference: str
    digest: str
    folder: str
    files: tuple[str, ...]


def export(desk: Desk, word: str, folder: Path) -> Exported:
    """Write an entry's files, byte for byte, and its card as README.md, into a folder.

    One that is new or empty appears whole or not at all; one that holds some of these very files gets the others.
    """
    target = Path(os.path.realpath(home_path(folder)))
    with subject(desk, word) as source:
        card = "" if source.entry.manifest.file("README.md") else source.card
        if target.exists() and not target.is_dir():
            raise Conflict(f"{folder} is a file, where a folder is wanted", hint="give a new folder")
        if target.exists() and not _holds_only(target, source.entry, card):
            raise Conflict(
                f"{folder} is there already and holds other files", hint="give a new folder, or empty this one"
            )
        _write_whole(source.entry, card, target)
    files = (*source.entry.paths(), *(("README.md",) if card else ()))
    return Exported(reference=source.label, digest=source.digest, folder=str(folder), files=files)


def _write_whole(entry: Entry, card: str, target: Path) -> None:
    """Write into a folder beside the target first: it takes the place of one that is new or empty in one step.

    Not of the folder one stands in, which would be left standing nowhere.
    """
    fresh = target.with_name(f".{target.name[:64]}.{secrets.token_hex(4)}.tmp")
    try:
        make_folder(fresh)
        write_files(entry, fresh)
        if card:
            (fresh / "README.md").write_bytes(card.encode())
        if target.exists() and (not _is_empty(target) or target.samefile(".")):
            for path in fresh.rglob("*"):
                if path.is_file():
                    (target / path.relative_to(fresh)).parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target / path.relative_to(fresh))
        else:
            fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _holds_only(folder: Path, entry: Entry, card: str) -> bool:
    """Whether a folder holds nothing, or some of this very entry; known at the first thing that is not of it."""
    wanted, there = {*entry.paths(), *(("README.md",) if card else ())}, set()
    for path in _there(folder, wanted):
        if path not in wanted:
            return False
        there.add(path)
    if card and "README.md" in there and (folder / "README.md").read_bytes() != card.encode():
        return False
    return all(_same(folder / file.path, file) for file in entry.manifest.files if file.path in there)


def _there(folder: Path, wanted: set[str], below: str = "") -> Iterator[str]:
    """What lies below a folder (`name/` for what is no file), entering only folders that wanted files lie in."""
    with os.scandir(folder / below) as scan:
        for item in scan:
            path = f"{below}{item.name}"
            if item.is_dir(follow_symlinks=False) and any(name.startswith(f"{path}/") for name in wanted):
                yield from _there(folder, wanted, f"{path}/")
            else:
                yield path if item.is_file() else f"{path}/"


def _same(path: Path, file: File) -> bool:
    with path.open("rb") as stream:
        return copy_and_hash(stream)[0] == file.blob


def path(desk: Desk, word: str) -> Path:
    """A read-only folder with the entry's files, for tools that want a path."""
    return folder_of(desk.store, desk.store.resolve(desk.reference(word)).digest)


def alias(desk: Desk, word: str, name: str, expect: str | None = None) -> Listed:
    """Let an alias mean a version."""
    return desk.store.alias(desk.reference(word), name, expect)


def _say(desk: Desk, word: str, kind: str, data: dict[str, Any]) -> Listed:
    """Note something about an entry, unless that is known."""
    listed = desk.store.resolve(desk.reference(word))
    if not gather(desk.store.notes.about(listed.digest)).says(kind, data):
        desk.store.note(listed.reference, desk.store.say(listed.digest, kind, data))
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
