"""Whatever a person has rows in, as a table."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapterhub.errors import NotFound
from adapterhub.train.data.file import read_file
from adapterhub.train.data.folder import read_folder
from adapterhub.train.data.table import Row, Table
from adapterhub.train.data.words import meant, some

__all__ = ["media", "read"]

MEDIA = ("image", "audio")
"""Fields of a config's `data` whose columns hold files."""


def read(path: Path, word: str, files: Iterable[str] = ()) -> Table:
    """The table of a file or a folder; `word` is what the person wrote, and names it in errors.

    CSV cells are text, those of other kinds have their types. A picture or a sound is a `Path`: of a
    file, `files` are the columns that hold paths, which are relative to its folder. It has at least one row. Raises
    `NotFound`, `WrongUsage` for what is no known kind or empty, `Corrupt` with the place that is broken.
    """
    if path.is_dir():
        return read_folder(path, word.rstrip("/") or word)
    if not path.exists():
        raise NotFound(f"{word}: no such file or folder; looked in {path.parent.absolute()}", hint=_instead(path, word))
    return _linked(read_file(path, word), path.parent, files)


def _instead(path: Path, word: str) -> str:
    """What to do about a path that leads nowhere; one that is not the word itself was found from a config's folder."""
    parent = path.parent
    names = sorted(child.name for child in parent.iterdir()) if parent.is_dir() else []
    if near := meant(path.name, names):
        return near
    if path != Path(word).expanduser():
        return "in a config, paths are relative to its folder"
    return f"what is there: {some(names, most=8) or 'nothing'}"


def media(columns: Mapping[str, str]) -> tuple[str, ...]:
    """The columns with pictures or sounds, of field -> column.

    >>> media({"image": "photo", "label": "label"})
    ('photo',)
    """
    return tuple(columns[field] for field in MEDIA if field in columns)


def _linked(table: Table, folder: Path, files: Iterable[str]) -> Table:
    """The same with a `Path` for each word in these columns; arrays and bytes stay."""
    columns = [name for name in files if name in table.columns]
    if not columns:
        return table
    rows: list[Row] = []
    for index, row in enumerate(table.rows):
        found = {name: _file(row.get(name), folder, f"{table.place(index)}, column {name!r}") for name in columns}
        rows.append({**row, **found})
    return replace(table, rows=rows)


def _file(cell: Any, folder: Path, place: str) -> Any:
    """A cell, or the file it names. Of Parquet it may be an object with the bytes beside the path they once had."""
    if isinstance(cell, Mapping) and not cell.get("bytes"):
        cell = cell.get("path")
    if not isinstance(cell, str) or not cell.strip():
        return cell  # an empty cell is told with all others
    with suppress(OSError):  # a name that is too long for any file
        if (folder / cell).is_file():
            return folder / cell
    raise NotFound(
        f"{place}: no file {cell[:80]!r} in {folder}", hint="in a table, paths are relative to the folder of the table"
    )
