"""Folders of pictures or sounds: a folder for each label, or a `metadata` file that says more of each.

    photos/cat/1.png          image, label                photos/1.png
    photos/dog/2.png                                      photos/metadata.csv     file_name,label,…

The second is the layout of Hugging Face's imagefolder and audiofolder. What begins with a dot is not looked at.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.errors import NotFound, WrongUsage
from adapterhub.train.data.file import read_file
from adapterhub.train.data.table import Table, file_digest

__all__ = ["read_folder"]

SUFFIXES = {
    "image": (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"),
    "audio": (".wav", ".flac", ".ogg", ".mp3"),
}
"""Column -> how the names of its files end."""

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
FILE = "file_name"
"""The column of a metadata file with a path relative to it."""

HINT = (
    "a folder for each label with its pictures or sounds in it, or a metadata.csv with the columns file_name and label"
)


def read_folder(path: Path, word: str) -> Table:
    """The table of a folder, with the columns `image` or `audio` (a `Path`) and `label`, or those of its metadata.

    Rows are sorted by label, then by the name of the file; with metadata they stand in its order.
    """
    for name in METADATA:
        if (path / name).is_file():
            return _described(path, word, name)
    folders = [child for child in _children(path) if child.is_dir()]
    files = [file for folder in folders for file in _media(folder)]
    if not files:
        loose = len(_media(path))
        told = f"{loose} files, and no folder for each label" if loose else "no folder with pictures or sounds"
        raise WrongUsage(f"{word}: {told}", hint=HINT)
    for folder in folders:
        if not _media(folder):
            raise WrongUsage(f"{word}/{folder.name}: no pictures or sounds in the folder of this label", hint=HINT)
    column = _column(word, files)
    rows = [{column: file, "label": file.parent.name} for file in files]
    names = [file.relative_to(path).as_posix() for file in files]
    return Table(word, _digest(path, names), (column, "label"), rows, [f"{word}/{name}" for name in names])


def _described(path: Path, word: str, name: str) -> Table:
    said = read_file(path / name, f"{word}/{name}")
    if FILE not in said.columns:
        raise WrongUsage(f"{said.name} has no column {FILE!r}; it has {', '.join(said.columns)}", hint=HINT)
    names = [_inside(path, str(cell), said.place(row)) for row, cell in enumerate(said.column(FILE))]
    files = [path / name for name in names]
    column = _column(word, files)
    columns = (column, *(other for other in said.columns if other not in (FILE, column)))
    rows = [{**row, column: file} for row, file in zip(said.rows, files, strict=True)]
    kept = [{other: row[other] for other in columns if other in row} for row in rows]
    return Table(word, _digest(path, [name, *names]), columns, kept, said.places)


def _inside(path: Path, name: str, place: str) -> str:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or not (path / name).is_file():
        raise NotFound(f"{place}: no file {name!r} in the folder", hint="file_name is a path relative to the metadata")
    return pure.as_posix()


def _children(folder: Path) -> list[Path]:
    return sorted((child for child in folder.iterdir() if not child.name.startswith(".")), key=lambda child: child.name)


def _media(folder: Path) -> list[Path]:
    known = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
    return [child for child in _children(folder) if child.suffix.lower() in known and child.is_file()]


def _column(word: str, files: Iterable[Path]) -> str:
    """What the files are; all are one kind."""
    first: dict[str, Path] = {}
    for file in files:
        suffix = file.suffix.lower()
        first.setdefault(next((kind for kind, ends in SUFFIXES.items() if suffix in ends), "neither"), file)
    if len(first) != 1 or "neither" in first:
        told = ", ".join(f"{file.name} ({kind})" for kind, file in sorted(first.items()))
        raise WrongUsage(f"{word}: wanted pictures or sounds alone, got {told}", hint="give each its own folder")
    return next(iter(first))


def _digest(path: Path, names: Iterable[str]) -> Digest:
    """sha256 of the canonical JSON of the sorted list of [path, sha256]."""
    return Digest.of(canonical([[name, str(file_digest(path / name))] for name in sorted(set(names))]))
