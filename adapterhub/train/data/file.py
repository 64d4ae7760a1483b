"""The table of the kinds of files: one row and one module in `readers` each."""

import gzip
import io
import zlib
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, WrongUsage
from adapterhub.formats.header import refuse_pointer
from adapterhub.regular import open_regular
from adapterhub.train.data.readers.source import Source
from adapterhub.train.data.table import Table

__all__ = ["READERS", "read_file"]

READERS = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".json": "listed",
    ".parquet": "parquet",
    ".npz": "arrays",
}
"""How a name ends -> the module that reads it."""

PACKED = ".gz"
PACKS_ITSELF = (".parquet", ".npz")


class Reader(Protocol):
    """What the module of a kind of file offers."""

    def read(self, source: Source) -> Table:
        """The table of a file; `Corrupt` names the place that cannot be read."""
        ...


def read_file(path: Path, word: str) -> Table:
    """The table of a file by the end of its name, one of `READERS`, with `.gz` behind it if it is text."""
    suffix = path.suffix.lower()
    packed = suffix == PACKED
    if packed:
        suffix = Path(path.stem).suffix.lower()
    if suffix not in READERS or (packed and suffix in PACKS_ITSELF):
        raise WrongUsage(
            f"{word}: no known kind of data, the name ends in {suffix + PACKED * packed or 'nothing'!r}",
            hint=f"known are {', '.join(READERS)}, those of text also with {PACKED}, and folders of pictures or sounds",
        )
    with open_regular(path) as stream:
        refuse_pointer(stream, word)
        data = stream.read()
    source = Source(word, suffix, _unpacked(data, word) if packed else data, Digest.of(data))
    table = cast(Reader, import_module(f"adapterhub.train.data.readers.{READERS[suffix]}")).read(source)
    if not table.rows:
        raise WrongUsage(f"{word}: no rows", hint="there is nothing to learn from an empty table")
    return table


def _unpacked(data: bytes, word: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            return stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise Corrupt(
            f"{word}: cannot be unpacked: {error}", hint="the file is damaged, or not packed by gzip"
        ) from None
