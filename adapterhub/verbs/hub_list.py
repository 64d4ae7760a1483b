"""The list of a server's repositories: those with a version, the latest first, for those who may see them."""

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.facts import Facts
from adapterhub.protocols.hf_hub.address import PREFIX
from adapterhub.protocols.hf_hub.card import TASKS
from adapterhub.protocols.hf_hub.wire import Model
from adapterhub.reference import Name, parse
from adapterhub.store.history.reader import MAIN
from adapterhub.store.index.newest import Asked, Found, newest, summaries
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_model import LIBRARIES, stored, tags_of, versions_of

__all__ = ["Asked", "after", "alternatives", "cursor", "listed"]

WORDS = {
    **{library: name for name, library in LIBRARIES.items()},
    **{task: word for word, task in TASKS.items()},
}
"""What a Hub calls libraries and tasks -> what the index does."""


def alternatives(words: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The words of a question as the index knows them: each may be a tag, or what a Hub calls something."""
    return tuple((word, WORDS[word]) if word in WORDS else (word,) for word in words if word)


def cursor(found: Found) -> str:
    """What the next page begins after."""
    return base64.urlsafe_b64encode(json.dumps([found.time, found.adapter]).encode()).decode()


def after(word: str) -> tuple[str, str] | None:
    """Where a page begins; `WrongUsage` for a word that no page gave out."""
    if not word:
        return None
    try:
        time, adapter = map(str, json.loads(base64.b64decode(word, altchars=b"-_", validate=True)))
        f"{time}{adapter}".encode()  # half a surrogate pair is a ValueError here, and a crash in the index
        return time, adapter
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise WrongUsage(
            f"the cursor {word[:80]!r} is none of ours", hint="follow the link of the page before"
        ) from None


def listed(desk: Desk, asked: Asked, *, full: bool = False) -> list[tuple[Found, Model]]:
    """The repositories that answer a question; `full` has their files and versions too."""
    rows = newest(desk.store, asked)
    told = summaries(desk.store, [found.adapter for found in rows]) if full else {}
    return [(found, _model(desk, found, told.get(found.adapter) if full else None)) for found in rows]


def _model(desk: Desk, found: Found, told: list[dict[str, Any]] | None) -> Model:
    name, summary = parse(found.adapter).name, found.summary
    facts = Facts.model_validate(summary.get("facts") or {"format": ""})
    base = facts.base_called((summary.get("base") or {}).get("source"))
    oid, created = _at(desk, name, found)
    task = TASKS.get(facts.task or "", "")
    commit = desk.store.history.commit(name, oid) if told is not None and oid else None
    return Model(
        id=str(name),
        sha=oid,
        created=created,
        modified=found.time,
        private=not found.public,
        tags=tags_of(facts, base, summary.get("tags") or (), task, summary.get("license") or ""),
        library=LIBRARIES.get(facts.format, ""),
        task=task,
        files=tuple(map(stored, commit.files)) if commit else None,
        bases=(base.removeprefix(PREFIX),) if base and facts.kind == "adapter" else (),
        more={} if told is None else {"adapterhub": _ours(desk, name, told)},
    )


def _ours(desk: Desk, name: Name, told: list[dict[str, Any]]) -> dict[str, Any]:
    """What a client of ours reads in the list: every version, and its line in `list`."""
    summaries = {parse(summary["reference"]).pin: summary for summary in told}
    return {"versions": versions_of(desk, name), "summaries": summaries}


def _at(desk: Desk, name: Name, found: Found) -> tuple[str, str]:
    """Where main is, and since when the repository is there; a version nobody asked for yet has no commit."""
    history = desk.store.history
    try:
        return history.heads_of(name).get(MAIN) or "", history.info(name).created
    except NotFound:
        return "", found.time
