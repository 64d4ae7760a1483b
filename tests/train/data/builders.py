"""Tables on disk and in memory, small and of every kind."""

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from adapterhub.digest import Digest
from adapterhub.train.data.table import Table

ROWS = [{"text": "a poem, short", "label": "verse"}, {"text": "line one\nline two", "label": "prose"}]


def table(rows: Sequence[Mapping[str, Any]], name: str = "train.csv") -> Table:
    """Rows as if they had been read from a CSV file."""
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    return Table(name, Digest.of(name.encode()), columns, rows, [f"{name}, line {row + 2}" for row in range(len(rows))])


def text(path: Path, content: str) -> Path:
    """A file of text, packed where its name says so."""
    data = content.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def written(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The rows in a file of the kind its name says, by the library that others write it with."""
    match path.suffix:
        case ".csv" | ".tsv":
            with path.open("w", newline="") as stream:
                writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
                writer.writeheader()
                writer.writerows(rows)
        case ".jsonl" | ".ndjson":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case ".json":
            path.write_text(json.dumps(rows))
        case ".parquet":
            import pyarrow
            from pyarrow import parquet

            parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def picture(path: Path, shade: int) -> Path:
    """A tiny grey PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((2, 2), shade, np.uint8)).save(path)
    return path
