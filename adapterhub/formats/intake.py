"""What `add` puts into the store: a folder or a file becomes paths, facts, a card and logs; or an error says why not.

Weights come first: that they are missing, are a pickle or are a Git LFS pointer is said before anything else is.
"""

import shutil
import tempfile
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, final

from adapterhub.errors import NotFound, Refused
from adapterhub.facts import Facts
from adapterhub.formats import folder as folders
from adapterhub.formats import pickles, safetensors_header
from adapterhub.formats.finder import find, single_format
from adapterhub.formats.folder import CARD, Listing
from adapterhub.formats.header import refuse_pointer
from adapterhub.formats.members import FolderMembers
from adapterhub.formats.own import own
from adapterhub.formats.peft_parts import PICKLED, WEIGHTS, choose
from adapterhub.formats.runs import texts
from adapterhub.formats.runs.checkpoints import best_of
from adapterhub.formats.runs.run import Run, run_of
from adapterhub.formats.table import FORMATS, reader, recognise

__all__ = ["Intake", "find", "take"]


@final
@dataclass(frozen=True)
class Intake:
    """What an entry takes (manifest path to file on disk), what it leaves out and why, and what is said beside it.

    A context manager: converted weights lie in a temporary folder that goes when it is left.
    """

    kind: str
    paths: dict[str, Path]
    left_out: tuple[tuple[str, str], ...]
    card: str
    logs: dict[str, Any]
    facts: Facts
    run: Run = field(default_factory=Run)
    temporary: Path | None = field(default=None, repr=False)

    def __enter__(self) -> "Intake":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was made for this intake only."""
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)


def take(path: Path, *, convert_pickle: bool = False) -> Intake:
    """What an entry made of this folder or file takes; `NotFound`, `Corrupt` or `Refused` if none can be made of it."""
    if path.is_dir():
        return _take_folder(path, convert_pickle)
    if path.is_file():
        return _take_file(path)
    if path.exists():
        raise Refused(
            f"{path}: neither a file nor a folder", hint="copy what comes out of it into a file, then add that"
        )
    raise NotFound(f"{path}: no such file or folder", hint="check the path; a folder begins with / ./ ../ or ~")


def _take_file(path: Path) -> Intake:
    paths = {path.name: path}
    folders.check_taken(path.resolve().parent, {path.name: path.resolve()})
    name = recognise(FolderMembers(paths))
    if name is None:
        _explain_file(path)
    facts = reader(name).facts(FolderMembers(paths))
    return Intake(facts.kind, paths, (), "", {}, facts)


def _explain_file(path: Path) -> NoReturn:
    with path.open("rb") as stream:
        refuse_pointer(stream, path.name)
        if folders.is_pickle(path.name):
            pickles.refuse(path)
        if path.name.endswith(".safetensors"):
            header = safetensors_header.read(stream, path.stat().st_size, path.name)
            raise Refused(
                f"{path.name}: {len(header.tensors)} tensors, but their names are no adapter's: "
                f"{', '.join(list(header.tensors)[:3])}",
                hint="a whole model is added as a folder with its config.json",
            )
    raise Refused(f"{path.name}: no known format", hint=f"adapterhub reads {', '.join(FORMATS)}")


def _take_folder(folder: Path, convert_pickle: bool) -> Intake:
    listing = folders.read_folder(folder)
    name = recognise(FolderMembers(listing.files))
    if name is None or name == "data" or FORMATS[name].single:
        name, own = _look_closer(folder, listing)
    else:
        own = _own(name, listing)
    temporary = None
    if convert_pickle and name == "peft" and choose(tuple(own), PICKLED):
        temporary = Path(tempfile.mkdtemp(prefix="adapterhub-"))
    try:
        if temporary is not None:
            own = _converted(own, temporary)
        folders.check_taken(folder, own)
        facts = reader(name).facts(FolderMembers(own))
    except BaseException:
        shutil.rmtree(temporary or "", ignore_errors=True)
        raise
    said = texts.read(folder, listing)
    kept = {CARD, *said.logs, *said.config} - said.unsaid.keys()
    left_out = _left_out(folder, listing, {*own, *kept}, facts.kind) | said.unsaid
    if temporary is not None:
        pickled = choose(tuple(listing.files), PICKLED)
        left_out = {name: "converted to safetensors" if name == pickled else why for name, why in left_out.items()}
    run = run_of(folder, said)
    return Intake(facts.kind, own, tuple(sorted(left_out.items())), said.card, said.logs, facts, run, temporary)


def _look_closer(folder: Path, listing: Listing) -> tuple[str, dict[str, Path]]:
    """The format and the files of a folder whose names say little: one adapter file among others, or data."""
    singles = {name: found for name, path in listing.files.items() if (found := single_format(path))}
    if len(singles) > 1:
        raise NotFound(
            f"{folder}: {len(singles)} adapters in one folder: {', '.join(sorted(singles)[:8])}",
            hint="add one of the files, or all: `adapterhub scan FOLDER --add --name …`",
        )
    if singles:
        ((name, found),) = singles.items()
        return found, {name: listing.files[name]}
    for name, path in listing.files.items():
        if name.endswith((".safetensors", ".gguf")) or folders.is_pickle(name):
            _explain_file(path)
    if inner := _inner_adapters(folder, listing):
        best = best_of(folder, inner)
        one = f"{best} did best, says its trainer_state.json: add that" if best else "add one of these"
        raise NotFound(
            f"{folder}: no adapter here, but in {', '.join(inner[:8])}",
            hint=f"{one}, or all: `adapterhub scan FOLDER --add --name …`",
        )
    everything = {name: path for name, path in folders.walk(folder).items() if name != CARD}
    if reader("data").claims(FolderMembers(everything)):
        return "data", everything
    there = ", ".join([*listing.files, *listing.folders][:8])
    raise NotFound(
        f"{folder}: no weights: looked for {WEIGHTS}, adapters.safetensors, pytorch_lora_weights.safetensors, "
        f"model.safetensors and other adapter files, found {there or 'nothing'}",
        hint="give the folder the training wrote; `adapterhub scan` finds every adapter below a folder",
    )


def _inner_adapters(folder: Path, listing: Listing) -> list[str]:
    inner = (name for name in listing.folders if not (folder / name).is_symlink())
    return [str(found.relative_to(folder)) for name in inner if (found := next(find(folder / name), None))]


def _own(name: str, listing: Listing) -> dict[str, Path]:
    return {member: listing.files[member] for member in own(name, FolderMembers(listing.files))}


def _converted(own: dict[str, Path], temporary: Path) -> dict[str, Path]:
    """The same files with the pickle's tensors as safetensors in its place."""
    pickled = choose(tuple(own), PICKLED)
    assert pickled is not None
    name = pickled.removesuffix(".bin") + ".safetensors"
    pickles.convert(own[pickled], temporary / name)
    return {name: temporary / name, **{m: path for m, path in own.items() if not folders.is_pickle(m)}}


def _left_out(folder: Path, listing: Listing, taken: set[str], kind: str) -> dict[str, str]:
    reasons = dict(listing.odd)
    for name in listing.files.keys() - taken:
        reasons[name] = folders.why_left_out(name, kind)
    for name in listing.folders:
        if not any(member.startswith(f"{name}/") for member in taken):
            reasons[f"{name}/"] = _why_folder(folder / name)
    return reasons


def _why_folder(folder: Path) -> str:
    if folder.is_symlink():
        return "a link to another folder"
    if fnmatchcase(folder.name, "checkpoint-*"):
        return "an earlier checkpoint of the training"
    return "another adapter: `scan` finds it" if next(find(folder), None) else "a folder of its own"
