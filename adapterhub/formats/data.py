"""Data: tables, arrays, text and pictures, alone or in a folder with folders in it.

Described as far as that is cheap: rows and columns of tables, names and shapes of arrays, how many files of each kind.
"""

import csv
import io
import json
from collections import Counter
from typing import Any

from adapterhub.errors import AdapterHubError, Corrupt, NotFound
from adapterhub.facts import Facts
from adapterhub.finding import Finding, Severity
from adapterhub.formats import npz
from adapterhub.formats.header import refuse_pointer
from adapterhub.formats.members import Members

__all__ = ["SUFFIXES", "claims", "facts"]

TABLES = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")
ARRAYS = (".npz", ".npy")
PICTURES = (".png", ".jpg", ".jpeg")
SUFFIXES = (*TABLES, *LINES, *ARRAYS, *PICTURES, ".json", ".parquet", ".txt")
BESIDE = (".md", ".yaml", ".yml", "LICENSE", "LICENSE.txt")
"""What may lie beside data without being any."""

NEVER = ("adapter_config.json", "config.json")
CHEAP = 32 << 20
"""Bytes of a table that are still read to count its rows."""

MOST_LISTED = 200


def claims(members: Members) -> bool:
    """At least one file of data, and nothing that is no data."""
    names = members.names()
    data = [name for name in names if name.lower().endswith(SUFFIXES)]
    return bool(data) and not set(NEVER).intersection(names) and all(n in data or n.endswith(BESIDE) for n in names)


def facts(members: Members) -> Facts:
    """How many files of which kind, and the rows, columns and arrays in them."""
    names = [name for name in members.names() if name.lower().endswith(SUFFIXES)]
    if not names:
        raise NotFound(
            "no data: looked for files ending in " + " ".join(SUFFIXES),
            hint="give a folder with such files, or an adapter's own folder",
        )
    kinds = Counter(name.lower().rpartition(".")[2] for name in names)
    rows, columns, arrays, findings = {}, {}, {}, []
    for name in names:
        if members.size(name) < 1024:
            with members.open(name) as stream:
                refuse_pointer(stream, name)
        if name.lower().endswith(ARRAYS):
            found, finding = _arrays(members, name)
            arrays.update(found)
            findings += finding
        elif (counted := _table(members, name)) is not None:
            rows[name], columns[name] = counted
    details: dict[str, Any] = {
        "files": len(names),
        "kinds": dict(sorted(kinds.items())),
        "rows": _capped(rows),
        "columns": _capped(columns),
        "arrays": _capped(arrays),
    }
    return Facts(
        format="data",
        kind="data",
        type=next(iter(kinds)) if len(kinds) == 1 else None,
        details={key: value for key, value in details.items() if value},
        findings=tuple(findings),
    )


def _capped(table: dict[str, Any]) -> dict[str, Any]:
    return dict(list(table.items())[:MOST_LISTED])


def _arrays(members: Members, name: str) -> tuple[dict[str, Any], list[Finding]]:
    """{array: [dtype, shape]}; what cannot be read is a finding, as the data may be good for something else."""
    single = name.lower().endswith(".npy")
    try:
        with members.open(name) as stream:
            header = (npz.read_array if single else npz.read)(stream, members.size(name), name)
    except AdapterHubError as error:
        severity: Severity = "info" if isinstance(error, Corrupt) else "warning"
        return {}, [Finding(check="unread-array", severity=severity, place=name, message=str(error), remedy=error.hint)]
    prefix = "" if name == members.names()[0] and len(members.names()) == 1 else f"{name}: "
    return {
        name if single else f"{prefix}{tensor.name}": [tensor.dtype, list(tensor.shape)]
        for tensor in header.tensors.values()
    }, []


def _table(members: Members, name: str) -> tuple[int, list[str]] | None:
    """Rows and columns of a table, where reading it is cheap."""
    lower = name.lower()
    if not lower.endswith((*TABLES, *LINES)) or members.size(name) > CHEAP:
        return None
    with members.open(name) as stream:
        data = stream.read(CHEAP + 1)
    if len(data) > CHEAP:  # what is there may be larger than what was promised
        return None
    with io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors="replace", newline="") as text:
        try:
            return _lines(text) if lower.endswith(LINES) else _rows(text, "\t" if lower.endswith(".tsv") else ",")
        except (csv.Error, ValueError, RecursionError):
            return None


def _rows(text: io.TextIOWrapper, delimiter: str) -> tuple[int, list[str]]:
    rows = csv.reader(text, delimiter=delimiter)
    header = next(rows, [])
    return sum(1 for row in rows if row), header[:MOST_LISTED]


def _lines(text: io.TextIOWrapper) -> tuple[int, list[str]]:
    count, columns = 0, []
    for line in text:
        if line.strip():
            if not count and isinstance(first := json.loads(line), dict):
                columns = sorted(first)[:MOST_LISTED]
            count += 1
    return count, columns
