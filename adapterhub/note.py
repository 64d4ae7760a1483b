"""Notes: what is said about a digest later or from outside. Append-only; the newest word on a matter counts."""

from collections.abc import Iterable
from typing import Any, Literal

from adapterhub.document import Document

__all__ = ["Note", "Noted", "gather"]


class Note(Document):
    """One thing said about one digest.

    kind        data
    metrics     {name: number}
    tags        {"add": [tag], "remove": [tag]}
    cost        {"seconds": …, "peak_memory": …, "trainable_parameters": …}
    card        {"text": the README}
    license     {"id": an SPDX identifier}
    base        a base pin (see manifest), learned after the manifest was written
    log         {file name: its content}: trainer_state.json, all_results.json
    values      {key: text or number}: whatever a person wants to remember
    """

    about: str
    kind: Literal["metrics", "tags", "cost", "card", "license", "base", "log", "values"]
    data: dict[str, Any]
    time: str
    by: str = ""


class Noted(Document):
    """All notes about a digest, read in order of time."""

    metrics: dict[str, float] = {}
    tags: tuple[str, ...] = ()
    cost: dict[str, Any] = {}
    card: str = ""
    license: str = ""
    base: dict[str, Any] = {}
    log: dict[str, Any] = {}
    values: dict[str, Any] = {}

    def says(self, kind: str, data: dict[str, Any]) -> bool:
        """Whether this is known already, so that saying it again adds nothing."""
        if kind == "tags":
            return set(data.get("add", ())) <= set(self.tags) and not set(data.get("remove", ())) & set(self.tags)
        known = {"card": {"text": self.card}, "license": {"id": self.license}}.get(kind, getattr(self, kind, {}))
        return bool(data.items() <= known.items()) if kind != "base" else data == known


def gather(notes: Iterable[Note]) -> Noted:
    """What all notes say together; where two disagree, the later one counts."""
    said: dict[str, Any] = {kind: {} for kind in ("metrics", "cost", "log", "values", "card", "license", "base")}
    tags: set[str] = set()
    for note in sorted(notes, key=lambda note: (note.time, note.to_bytes())):
        if note.kind == "tags":
            tags = (tags | set(note.data.get("add", ()))) - set(note.data.get("remove", ()))
        elif note.kind == "base":
            said["base"] = note.data
        else:
            said[note.kind].update(note.data)
    return Noted(
        **{kind: said[kind] for kind in ("metrics", "cost", "log", "values", "base")},
        tags=tuple(sorted(tags)),
        card=said["card"].get("text", ""),
        license=said["license"].get("id", ""),
    )
