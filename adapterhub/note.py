"""Notes: what is said about a digest later or from outside. Append-only; the newest word on a matter counts."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Literal

from pydantic import model_validator

from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.errors import Corrupt
from adapterhub.manifest import BasePin, Pinned

__all__ = ["OTHER", "IllFormed", "Note", "Noted", "check_word", "gather"]


class IllFormed(Corrupt):
    """A note that says nothing its kind can say, or is of a kind that is not known here: whole, and of no use."""


class Note(Document):
    """One thing said about one digest.

    kind        data
    metrics     {name: number}
    tags        {"add": [tag], "remove": [tag]}
    cost        {name: number}: seconds, peak_memory (bytes), trainable_parameters
    card        {"text": the README}
    license     {"id": an SPDX identifier}
    base        a base pin (see manifest), learned after the manifest was written
    log         {file name: its content}: trainer_state.json, all_results.json
    training    what a folder says of the run that made it: tool, config, seed, versions (a manifest's wins)
    evaluation  {digest of the rows: {metrics, rows, seconds, peak_memory, base …}}: what `eval` measured on them
    origin      {place on a Hub: commit}: where it was found, so that a tag which moves is noticed
    audit       {weights digest of a base, else its layout's: {base, verdict, evidence, matched …}}: how it fits
    values      {key: text or number}: whatever a person wants to remember

    `by` is the word of whoever wrote it, and proves nothing: who sent a note is told by its commit and its event.
    """

    about: Pinned
    kind: Literal[
        "metrics",
        "tags",
        "cost",
        "card",
        "license",
        "base",
        "log",
        "training",
        "evaluation",
        "audit",
        "origin",
        "values",
    ]
    data: dict[str, Any] = {}
    time: str = ""
    by: str = ""

    @classmethod
    def read(cls, data: bytes, about: Digest, what: str) -> "Note":
        """Parse a note that lies among those about a digest; `Corrupt` when it speaks of another, `IllFormed` when its
        data are none of its kind."""
        try:
            note = cls.from_bytes(data, what)
        except Corrupt as error:
            if _is_said(data, what):
                raise IllFormed(
                    str(error),
                    hint="say it as its kind does; one that lies here is passed over, and `adapterhub check` names it",
                ) from None
            raise
        if note.about != str(about):
            raise Corrupt(
                f"{what}: a note about {note.about}, filed under {about}",
                hint="the note is damaged; `adapterhub check` names it, --repair sets it aside",
            )
        return note

    @classmethod
    def heard(cls, data: bytes, about: Digest, what: str) -> Iterator["Note"]:
        """The same, without those that are ill-formed: a stranger's words keep nobody from what is well said."""
        with suppress(IllFormed):
            yield cls.read(data, about, what)

    @model_validator(mode="after")
    def _well_formed(self) -> "Note":
        if self.kind in WELL_FORMED:
            WELL_FORMED[self.kind](self.data)
        return self


class _Said(Document):
    """What every note is, whatever its kind."""

    about: Pinned
    kind: str
    data: dict[str, Any] = {}
    time: str = ""
    by: str = ""


def _is_said(data: bytes, what: str) -> bool:
    try:
        _Said.from_bytes(data, what)
    except Corrupt:
        return False
    return True


def _metrics(data: dict[str, Any]) -> None:
    _numbers(data, "metric")


def _cost(data: dict[str, Any]) -> None:
    _numbers(data, "cost")


def _numbers(data: dict[str, Any], what: str) -> None:
    for name, value in data.items():
        check_word(name, f"{what}'s name")
        if not _is_number(value):
            raise ValueError(f"the {what} {name} is a finite number, got {value!r}")


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond any float
        return False


def _tags(data: dict[str, Any]) -> None:
    for key, words in data.items():
        if key not in ("add", "remove") or not isinstance(words, list):
            raise ValueError(f"tags are lists under add and remove, got {key}: {words!r}")
        for word in words:
            check_word(word, "tag")


def _card(data: dict[str, Any]) -> None:
    if not isinstance(data.get("text"), str):
        raise ValueError("a card has a text")


def _license(data: dict[str, Any]) -> None:
    said = data.get("id")
    if not isinstance(said, str) or not said.isprintable():
        raise ValueError(f"a license is one line of printable text, got {said!r}")


def _base(data: dict[str, Any]) -> None:
    BasePin.model_validate(data)


def _evaluation(data: dict[str, Any]) -> None:
    for rows, said in data.items():
        check_word(rows, "digest of rows")
        if not isinstance(said, dict) or not isinstance(said.get("metrics", {}), dict):
            raise ValueError(f"an evaluation has metrics by name, got {said!r}")
        _numbers(said.get("metrics", {}), "metric")
        if type(count := said.get("rows", 0)) is not int or count < 0:
            raise ValueError(f"an evaluation is of so many rows, got {count!r}")


def _audit(data: dict[str, Any]) -> None:
    for base, said in data.items():
        check_word(base, "digest of a base")
        if not isinstance(said, dict):
            raise ValueError(f"an audit says by name how it fits, got {said!r}")
        check_word(said.get("verdict"), "verdict")


def _origin(data: dict[str, Any]) -> None:
    for place, commit in data.items():
        if not place or not isinstance(commit, str) or not commit:
            raise ValueError(f"where it was found is a place and the commit there, got {place!r}: {commit!r}")


def check_word(word: Any, what: str) -> str:
    """A name or tag as it is; `ValueError` for what can be neither."""
    if not isinstance(word, str) or not 0 < len(word) <= 96 or not word.isprintable() or word != word.strip():
        raise ValueError(f"a {what} is printable text of 1 to 96 characters, got {word!r}")
    return word


WELL_FORMED: dict[str, Callable[[dict[str, Any]], None]] = {
    "metrics": _metrics,
    "tags": _tags,
    "cost": _cost,
    "card": _card,
    "license": _license,
    "base": _base,
    "evaluation": _evaluation,
    "audit": _audit,
    "origin": _origin,
}
"""What a note of a kind must look like; the others hold whatever was said."""


class Noted(Document):
    """All notes about a digest, read in order of time."""

    metrics: dict[str, float] = {}
    tags: tuple[str, ...] = ()
    cost: dict[str, Any] = {}
    card: str = ""
    license: str = ""
    base: dict[str, Any] = {}
    log: dict[str, Any] = {}
    training: dict[str, Any] = {}
    evaluation: dict[str, Any] = {}
    audit: dict[str, Any] = {}
    origin: dict[str, Any] = {}
    values: dict[str, Any] = {}

    @property
    def pin(self) -> BasePin | None:
        """The base that was learned later."""
        return BasePin.model_validate(self.base) if self.base else None

    def says(self, kind: str, data: dict[str, Any]) -> bool:
        """Whether this is known already, so that saying it again adds nothing."""
        if kind == "tags":
            return set(data.get("add", ())) <= set(self.tags) and not set(data.get("remove", ())) & set(self.tags)
        known = {"card": {"text": self.card}, "license": {"id": self.license}}.get(kind, getattr(self, kind, {}))
        return bool(data.items() <= known.items()) if kind != "base" else data == known


OTHER = {"metrics": "values", "values": "metrics"}
"""Kinds that speak of the same keys."""

SAID = ("metrics", "cost", "log", "training", "evaluation", "audit", "origin", "values", "card", "license", "base")


def gather(notes: Iterable[Note]) -> Noted:
    """What all notes say together; where two disagree, the later one counts."""
    said: dict[str, Any] = {kind: {} for kind in SAID}
    tags: set[str] = set()
    known = tuple(notes)
    for note in sorted(known, key=lambda note: (note.time, note.to_bytes())) if len(known) > 1 else known:
        if note.kind == "tags":
            tags = (tags | set(note.data.get("add", ()))) - set(note.data.get("remove", ()))
        elif note.kind == "base":
            said["base"] = note.data
        else:
            said[note.kind].update(note.data)
            for key in note.data if note.kind in OTHER else ():
                said[OTHER[note.kind]].pop(key, None)  # a key has one value: a number, or a text
    return Noted(
        **{kind: said[kind] for kind in SAID if kind not in ("card", "license")},
        tags=tuple(sorted(tags)),
        card=said["card"].get("text", ""),
        license=said["license"].get("id", ""),
    )
