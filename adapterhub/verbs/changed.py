"""What `export` writes where more is asked for than an entry's own bytes: normal form, or another name of the base.

normal form     config and weights are written anew, so that every engine reads them alike (`lora/save.py`)
base's name     one field of the config, all else as it came; a revision belongs to the name it was given with
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO, final

from adapterhub.digest import copy_and_hash
from adapterhub.entry import Entry, Files, FolderFiles
from adapterhub.errors import Refused, WrongUsage
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats.json_file import read_object
from adapterhub.formats.members import EntryMembers
from adapterhub.formats.peft_parts import CONFIG, WEIGHTS, choose
from adapterhub.formats.table import FORMATS, derive, recognise
from adapterhub.manifest import File, Manifest
from adapterhub.verbs.subject import Subject

__all__ = ["Change"]

Outgoing = tuple[Entry, tuple[Finding, ...]]

PEFT = "peft"
BASE, REVISION = "base_model_name_or_path", "revision"
KEPT = (BASE, REVISION, "auto_mapping", "ensure_weight_tying", "fan_in_fan_out", "task_type")
"""Fields of a config that say something about the model, and nothing of how factors are read."""


@final
@dataclass(frozen=True)
class Change:
    """What is asked. `format` is what the folder shall be of: an adapter of another format is put into normal form."""

    normal_form: bool = False
    base_name: str | None = None
    format: str | None = None

    def __post_init__(self) -> None:
        if self.format not in (None, PEFT):
            raise WrongUsage(f"format: got {self.format!r}, and only {PEFT} can be written", hint=f"write {PEFT}")
        if self.base_name is not None and not self.base_name.strip():
            raise WrongUsage("base_name: got an empty name", hint="write org/name, or leave it out")

    @contextmanager
    def of(self, source: Subject) -> Iterator[Outgoing]:
        """The entry to write, as long as the context is entered, and what to know about it."""
        if self == Change():
            yield source.entry, ()
            return
        with tempfile.TemporaryDirectory() as folder:
            yield self._made(source, Path(folder))

    def _made(self, source: Subject, folder: Path) -> Outgoing:
        if (kind := source.entry.manifest.kind) != "adapter":
            raise Refused(f"{source.label} is of kind {kind}, and goes out as it came in", hint="give no options")
        format = recognise(EntryMembers(source.entry))
        if self.normal_form or (self.format == PEFT and format != PEFT):
            return self._normal(source, folder, format)
        return (self._renamed(source, folder, format) if self.base_name is not None else source.entry), ()

    def _normal(self, source: Subject, folder: Path, format: str | None) -> Outgoing:
        from adapterhub.lora.load import load
        from adapterhub.lora.save import save

        adapter = load(source.entry, source.label)  # refuses what is of no format that is read
        fields = _config(source.entry)[1] if format == PEFT else {BASE: source.facts.base_name}
        kept = {name: fields[name] for name in KEPT if fields.get(name) is not None}
        save(adapter, folder, self._named(kept), source.label)
        takes = FORMATS[format or PEFT].takes
        entry = _over(source.entry, folder, lambda path: any(fnmatchcase(path, own) for own in takes))
        return entry, tuple(_told(source.facts, derive(EntryMembers(entry))))

    def _renamed(self, source: Subject, folder: Path, format: str | None) -> Entry:
        if format != PEFT:
            raise Refused(
                f"{source.label} is of {f'the format {format}' if format else 'no known format'}, "
                "whose config names no base that engines look for",
                hint="--format peft writes it as PEFT, if it can be",
            )
        name, fields = _config(source.entry)
        if (named := self._named(fields)) == fields:
            return source.entry
        (folder / name).write_text(json.dumps(named, indent=2) + "\n", "utf-8")
        return _over(source.entry, folder, lambda path: False)

    def _named(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields with the base's name that is asked for."""
        if self.base_name is None or fields.get(BASE) == self.base_name:
            return fields
        return {**fields, BASE: self.base_name, **({REVISION: None} if REVISION in fields else {})}


@final
@dataclass(frozen=True)
class Over:
    """Some files of a folder, all others where they were."""

    above: FolderFiles
    names: frozenset[str]
    below: Files

    def open(self, file: File, start: int = 0) -> BinaryIO:
        return (self.above if file.path in self.names else self.below).open(file, start)


def _over(entry: Entry, folder: Path, gone: Callable[[str], bool]) -> Entry:
    """The entry with the files of a folder over its own, and without those that are gone."""
    made = [_file(path) for path in sorted(folder.iterdir())]
    names = frozenset(file.path for file in made)
    kept = [file for file in entry.manifest.files if file.path not in names and not gone(file.path)]
    manifest = Manifest.made(kind=entry.manifest.kind, files=(*kept, *made))
    return Entry(manifest, Over(FolderFiles(folder), names, entry.files))


def _file(path: Path) -> File:
    with path.open("rb") as stream:
        digest, size = copy_and_hash(stream)
    return File(path=path.name, size=size, sha256=digest.hex)


def _config(entry: Entry) -> tuple[str, dict[str, Any]]:
    """The config of a PEFT adapter and its name; `NotFound` without one."""
    members = EntryMembers(entry)
    name = choose(members.names(), CONFIG) or CONFIG
    return name, read_object(members, name)


def _told(before: Facts, after: Facts) -> Iterator[Finding]:
    """What became otherwise that somebody may count on."""
    if (before.format, before.type) != (after.format, after.type):
        was = before.type if before.format == PEFT else f"{before.type} of the format {before.format}"
        yield Finding(
            check="written-as-lora",
            severity="info",
            place=CONFIG,
            message=f"{was} is written as {after.type} of PEFT, of rank {after.rank}: the same change of weights",
            remedy="without --normal-form it goes out byte for byte",
        )
    if before.dtype != after.dtype:
        yield Finding(
            check="factors-widened",
            severity="info",
            place=WEIGHTS,
            message=f"the factors are {after.dtype} and were {before.dtype}, which cannot hold them with their scale "
            "taken in",
            remedy="an engine that computes in another type rounds them once, when it loads them",
        )
