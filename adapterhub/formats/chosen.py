"""Which of some files are an entry, wherever they lie: by their names first, by headers where names say nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, final

from adapterhub.errors import NotFound, Refused
from adapterhub.formats import folder as folders
from adapterhub.formats import safetensors_header
from adapterhub.formats.finder import is_adapter_folder, single_of
from adapterhub.formats.folder import CARD, TEMPLATES
from adapterhub.formats.members import Members
from adapterhub.formats.own import own
from adapterhub.formats.table import FORMATS, reader, recognise

__all__ = ["Some", "chosen"]


@final
@dataclass(frozen=True)
class Some:
    """Some of the files of a place."""

    inner: Members
    chosen: tuple[str, ...]

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.chosen))

    def size(self, name: str) -> int:
        return self.inner.size(name)

    def open(self, name: str) -> BinaryIO:
        return self.inner.open(name)


def chosen(members: Members, what: str) -> tuple[str, tuple[str, ...]]:
    """The kind of the entry that these files are, and the files it takes, as `intake` takes them of a folder.

    Of weights only the headers are read. `NotFound`, `Corrupt` or `Refused` where no entry can be made of them; `what`
    names the place.
    """
    listed = tuple(name for name in members.names() if _is_listed(name))
    name = recognise(Some(members, listed))
    if name is None or name == "data" or FORMATS[name].single:
        name, taken = _look_closer(members, listed, what)
    else:
        taken = own(name, Some(members, listed))
    _refuse_pickles(taken, what)
    for file in taken if FORMATS[name].kind == "adapter" else ():
        if file.endswith(".safetensors"):
            with members.open(file) as stream:
                safetensors_header.read(stream, members.size(file), file)
    return FORMATS[name].kind, taken


def _refuse_pickles(names: Iterable[str], what: str) -> None:
    if pickles := [name for name in names if folders.is_pickle(name)]:
        raise Refused(
            f"{what}: {pickles[0]}: a pickle, which can run code, and is never read",
            hint="ask its author for safetensors, or download it and `adapterhub add --convert-pickle` the folder",
        )


def _is_listed(name: str) -> bool:
    """Whether `read_folder` would list the file."""
    folder, _, file = name.rpartition("/")
    return not file.startswith(".") and (not folder or (folder == TEMPLATES and file.endswith(".jinja")))


def _look_closer(members: Members, listed: tuple[str, ...], what: str) -> tuple[str, tuple[str, ...]]:
    singles = {name: found for name in listed if (found := single_of(Some(members, (name,)), name))}
    if len(singles) > 1:
        raise NotFound(
            f"{what}: {len(singles)} adapters in one place: {', '.join(sorted(singles)[:8])}",
            hint=f"name one of the files: {what}#{min(singles)}",
        )
    if singles:
        ((name, found),) = singles.items()
        return found, (name,)
    if inner := sorted(_inner(members.names())):
        raise NotFound(
            f"{what}: no adapter here, but in {', '.join(inner[:8])}", hint=f"name one of these: {what}#{inner[0]}"
        )
    _refuse_pickles(listed, what)
    everything = tuple(name for name in members.names() if name != CARD and not _is_hidden(name))
    if reader("data").claims(Some(members, everything)):
        return "data", everything
    raise NotFound(
        f"{what}: no weights: found {', '.join(listed[:8]) or 'nothing'}",
        hint="is it the repository of an adapter? Another branch, tag or folder may hold one: @revision, #folder",
    )


def _inner(names: Iterable[str]) -> set[str]:
    """The folders that are adapters by the names in them."""
    held: dict[str, set[str]] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        if folder and not _is_hidden(folder):
            held.setdefault(folder, set()).add(file)
    return {folder for folder, files in held.items() if is_adapter_folder(files)}


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
