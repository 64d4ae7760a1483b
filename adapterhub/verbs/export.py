"""`export`: an entry becomes a folder."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from adapterhub.digest import copy_and_hash
from adapterhub.document import Document
from adapterhub.durable import make_folder
from adapterhub.entry import Entry
from adapterhub.errors import Conflict
from adapterhub.finding import Finding
from adapterhub.manifest import File
from adapterhub.reference import home_path
from adapterhub.store.derived import write_files
from adapterhub.verbs.changed import Change
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.subject import subject

__all__ = ["Exported", "export"]


class Exported(Document):
    """A folder that was written: which entry, which files of it, and what is otherwise than in the entry."""

    reference: str
    digest: str
    folder: str
    files: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def export(desk: Desk, word: str, folder: Path, change: Change | None = None) -> Exported:
    """Write an entry's files, byte for byte or as the change says, and its card as README.md, into a folder.

    One that is new or empty appears whole or not at all; one that holds some of these very files gets the others.
    """
    target = Path(os.path.realpath(home_path(folder)))
    with subject(desk, word) as source, (change or Change()).of(source) as (entry, findings):
        card = "" if entry.manifest.file("README.md") else source.card
        if target.exists() and not target.is_dir():
            raise Conflict(f"{folder} is a file, where a folder is wanted", hint="give a new folder")
        if target.exists() and not _holds_only(target, entry, card):
            raise Conflict(
                f"{folder} is there already and holds other files", hint="give a new folder, or empty this one"
            )
        _write_whole(entry, card, target)
    files = (*entry.paths(), *(("README.md",) if card else ()))
    return Exported(reference=source.label, digest=source.digest, folder=str(folder), files=files, findings=findings)


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
