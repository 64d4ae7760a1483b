"""Facts, values and folders: what is made of an entry and can be made again. All of it lies under cache/."""

import contextlib
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from adapterhub.digest import Digest, copy_and_hash
from adapterhub.durable import make_folder
from adapterhub.entry import Entry
from adapterhub.errors import Corrupt
from adapterhub.facts import PARSER, Facts
from adapterhub.formats.members import EntryMembers
from adapterhub.formats.table import derive
from adapterhub.regular import open_regular, read_regular
from adapterhub.store.blobs import copy_out

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["facts_of", "folder_of", "keep", "keep_facts", "write_files"]


def facts_of(store: "Store", digest: Digest, entry: Entry | None = None) -> Facts:
    """The facts of an entry: from the cache where this parser wrote them, else derived from its files."""
    path = store.layout.facts(digest)
    with contextlib.suppress(OSError, Corrupt):
        facts = Facts.from_bytes(read_regular(path), str(path))
        if facts.parser == PARSER:
            return facts
    if entry is not None and not store.blobs.has(digest):
        return derive(EntryMembers(entry))  # in a remote, whose bytes nobody has verified: never remembered
    facts = derive(EntryMembers(store.open(digest)))
    keep_facts(store, digest, facts)
    return facts


def keep_facts(store: "Store", digest: Digest, facts: Facts) -> None:
    """Remember facts."""
    keep(store, store.layout.facts(digest), facts.to_bytes())


def keep(store: "Store", path: Path, data: bytes) -> None:
    """Remember what was derived. Not synced: what a crash takes is derived again; a read-only store goes without."""
    if not store.local:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{secrets.token_hex(8)}.tmp")
        beside.write_bytes(data)
        beside.replace(path)


def write_files(entry: Entry, folder: Path) -> None:
    """Write an entry's files below `folder`, each verified before it appears."""
    for file in entry.manifest.files:
        with entry.files.open(file) as stream:
            copy_out(stream, file, folder / file.path)


def folder_of(store: "Store", digest: Digest) -> Path:
    """A folder with the entry's files for tools that want a path: read-only files, verified at every call."""
    entry, folder = store.open(digest), store.layout.folder(digest)
    if _intact(entry, folder):
        return folder
    make_folder(folder.parent)
    fresh = folder.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        make_folder(fresh)
        write_files(entry, fresh)
        for file in entry.manifest.files:
            (fresh / file.path).chmod(0o444)
        shutil.rmtree(folder, ignore_errors=True)
        # Two processes may do this at once; whoever comes second finds an intact folder.
        with contextlib.suppress(OSError):
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if not _intact(entry, folder):
        raise Corrupt(
            f"{folder} changes while it is written", hint="something else writes there: stop it, then try again"
        )
    return folder


def _intact(entry: Entry, folder: Path) -> bool:
    try:
        for file in entry.manifest.files:
            with open_regular(folder / file.path) as stream:
                if copy_and_hash(stream)[0] != file.blob:
                    return False
    except (OSError, Corrupt):
        return False
    return folder.is_dir()
