"""From an entry to what it does to a model: an `Adapter`, its modules without PEFT's prefix."""

import importlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from adapterhub.entry import Entry
from adapterhub.errors import Refused
from adapterhub.formats.members import EntryMembers, Members
from adapterhub.formats.peft_parts import factor_tensors
from adapterhub.formats.table import recognise
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.refuse import refuse
from adapterhub.lora.values import Values, meta, view
from adapterhub.lora.verified import VerifiedMembers

__all__ = ["READERS", "load", "load_all", "loaded", "outline"]

THREADS = 8

READERS = {
    "LORA": "factored",
    "ADALORA": "factored",
    "LOHA": "loha",
    "LOKR": "lokr",
    "VERA": "vera",
    "IA3": "ia3",
    "TRAINABLE_TOKENS": "beside",
    "LN_TUNING": "beside",
}
"""The type in PEFT's config -> the file here that reads it, with read(parts, get, name) -> Adapter."""


def load(entry: Entry, name: str = "") -> Adapter:
    """What an adapter does, in the order of its header; `name` stands in errors.

    Every file is read once and its digest verified before a byte is used; tensors share that memory. What cannot be
    written as a change of weights is `Refused` with the reason.
    """
    name = name or f"sha256:{entry.digest.short}"
    return loaded(VerifiedMembers(entry, name), entry.manifest.kind, name)


def loaded(members: VerifiedMembers, kind: str, name: str) -> Adapter:
    """The same of files that are in memory already."""
    return _read(members, kind, lambda file, info: view(members.data(file), info), name)


def load_all(entries: Sequence[tuple[Entry, str]]) -> list[Adapter]:
    """Several adapters with their names, read at the same time; of what is wrong, the first of them is raised."""
    largest = sorted(range(len(entries)), key=lambda place: -entries[place][0].manifest.size)
    with ThreadPoolExecutor(max(1, min(THREADS, os.cpu_count() or 1, len(entries))), "load") as pool:
        try:  # the largest begins first: begun last it would end alone
            running = {place: pool.submit(load, *entries[place]) for place in largest}
            return [running[place].result() for place in range(len(entries))]
        finally:
            pool.shutdown(cancel_futures=True)


def outline(entry: Entry, name: str = "") -> Adapter:
    """The same from headers alone: the tensors are on the device meta, with shapes and no values."""
    return _read(EntryMembers(entry), entry.manifest.kind, meta, name or f"sha256:{entry.digest.short}")


def _read(members: Members, kind: str, values: Values, name: str) -> Adapter:
    found = recognise(members) if kind == "adapter" else kind
    if found == "mlx":
        from adapterhub.lora.mlx import read

        return read(members, values, name)
    if found != "peft":
        raise Refused(
            f"{name}: it is {f'of the format {found}' if found else 'of no known format'}, not of PEFT or mlx-lm",
            hint="its modules have names of their own: convert it to PEFT with the tool it was made with",
        )
    parts = factor_tensors(members)
    refuse(parts, READERS, name)
    reader = importlib.import_module(f"adapterhub.lora.{READERS[parts.config.type]}")
    adapter: Adapter = reader.read(parts, partial(values, parts.weights), name)
    return adapter
