"""npz: arrays as long as each other, one a column. Pictures and labels in two arrays are a common way to keep both.

images  (rows, height, width[, channels])   column `image`, an array a row, a view of the whole
labels  (rows,)                             column `label`, Python's own values
any     (rows, …)                           column of the same name
"""

import io
import zipfile
import zlib
from typing import Any

from adapterhub.train.data.readers.source import Source
from adapterhub.train.data.table import Table

__all__ = ["read"]

ONE = {"images": "image", "labels": "label"}
"""An array is named for all of its rows, a column for one."""

HINT = "numpy.savez(file, images=…, labels=…) writes one, with a first axis of the same length in each"


def read(source: Source) -> Table:
    """The table of a file; arrays of pickled objects are not loaded."""
    import numpy as np

    try:
        with np.load(io.BytesIO(source.data), allow_pickle=False) as file:
            arrays = {ONE.get(name, name): file[name] for name in file.files}
    except (ValueError, TypeError, EOFError, KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise source.broken("the arrays", f"not npz, or damaged: {error}", hint=HINT) from None
    shapes = {name: array.shape for name, array in arrays.items()}
    if len({shape[:1] for shape in shapes.values()}) != 1 or () in shapes.values():
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"
        raise source.broken("the arrays", f"wanted a first axis of the same length in each, got {told}", hint=HINT)
    columns: list[list[Any]] = [a.tolist() if a.ndim == 1 else list(a) for a in arrays.values()]
    rows = [dict(zip(arrays, cells, strict=True)) for cells in zip(*columns, strict=True)]
    return source.table(list(arrays), rows, "row", range(1, len(rows) + 1))
