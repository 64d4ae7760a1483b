"""A repository as a Hub's clients see it: its files and card at one commit, and what is known of its versions."""

import json
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.facts import Facts
from adapterhub.note import gather
from adapterhub.protocols.hf_hub.address import PREFIX
from adapterhub.protocols.hf_hub.card import TASKS, is_repo
from adapterhub.protocols.hf_hub.layout import CONFIG
from adapterhub.protocols.hf_hub.wire import Model, Stored
from adapterhub.reference import Name
from adapterhub.store.derived import facts_of
from adapterhub.store.history.commit import Commit, RepoInfo, TreeFile
from adapterhub.store.notes import Notes
from adapterhub.store.shelf import labels
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_front import MOST, said, small

__all__ = ["LIBRARIES", "model", "stored", "tags_of", "versions_of"]

LIBRARIES = {"peft": "peft", "diffusers": "diffusers", "mlx": "mlx", "checkpoint": "transformers"}
"""Format -> the library a Hub names it by."""

SHORT = 1 << 15
"""Characters of a license that is told."""

TOLD = ("base_model_name_or_path", "task_type", "peft_type")


def stored(file: TreeFile) -> Stored:
    """A file of a commit as the wire tells it."""
    return Stored(file.path, file.size, file.sha1, file.sha256 if file.large else "")


def model(desk: Desk, name: Name, info: RepoInfo, oid: str, commit: Commit) -> Model:
    """All that is known of a repository at a commit."""
    versions = versions_of(desk, name)
    digest = next((one["digest"] for one in reversed(versions) if one["commit"] == oid), None)
    facts = _facts(desk, digest)
    (front, card), (words, license) = said(desk, commit), _noted(desk.store.under(name).notes, digest)
    base = card.base or facts.base_name or ""
    return Model(
        id=str(name),
        sha=oid,
        created=info.created,
        modified=commit.time,
        private=info.private,
        tags=tags_of(facts, base, (*card.tags, *words), card.task, card.license or license),
        library=card.library or LIBRARIES.get(facts.format, ""),
        task=card.task or TASKS.get(facts.task or "", ""),
        card=front,
        files=tuple(map(stored, commit.files)),
        bases=(base,) if base and facts.kind == "adapter" else (),
        parameters={facts.dtype: facts.parameters} if facts.dtype and facts.parameters else {},
        config=_config(desk, commit),
        used=sum(file.size for file in commit.files),
        more={
            "adapterhub": {
                "versions": versions,
                "notes": _notes(desk.store.under(name).notes, versions),
                "removed": list(labels(desk.store.layout.removed(name))),
            }
        },
    )


def tags_of(facts: Facts, base: str, words: Iterable[str], task: str, license: str) -> tuple[str, ...]:
    """What a Hub lists a model under: a person's words, and those that follow from what it is."""
    library = LIBRARIES.get(facts.format)
    task = task or TASKS.get(facts.task or "", "")
    named = base.removeprefix(PREFIX)
    found = [
        *([library] if library else []),
        *([facts.type.lower()] if facts.type and facts.kind == "adapter" else []),
        *([task] if task else []),
        *([f"license:{license}"] if license else []),
        *([f"base_model:{named}", f"base_model:adapter:{named}"] if is_repo(named) and facts.kind == "adapter" else []),
    ]
    return tuple(dict.fromkeys((*words, *found)))


def versions_of(desk: Desk, name: Name) -> list[dict[str, Any]]:
    """Every version with its commit, the oldest first; a version that is not laid into the history has none yet."""
    tags = desk.store.history.tags_of(name)
    return [
        {
            "version": str(listed.reference.pin),
            "digest": str(listed.digest),
            "commit": tags.at(str(listed.reference.pin)),
            "time": listed.time,
            "by": listed.by,
            "aliases": list(listed.aliases),
        }
        for listed in desk.store.names.listed(name)
    ]


def _notes(notes: Notes, versions: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Digest -> the digests of the notes about it that count here, in hex."""
    digests = {one["digest"] for one in versions}
    return {one: [path.stem for path in notes.files(Digest.parse(one))] for one in digests}


def _noted(notes: Notes, digest: str | None) -> tuple[tuple[str, ...], str]:
    """The tags and the license that were noted of a version."""
    if digest is None:
        return (), ""
    about = Digest.parse(digest)
    there = "\n".join(path.name for path in notes.files(about))
    return _gathered(notes, about, Digest.of(there.encode()))


@lru_cache(1024)
def _gathered(notes: Notes, about: Digest, _: Digest) -> tuple[tuple[str, ...], str]:
    """The same; notes never change, so what those that are there say is remembered."""
    found = gather(notes.about(about))
    return found.tags[:MOST], found.license[:SHORT]


def _facts(desk: Desk, digest: str | None) -> Facts:
    """The facts of a version; of a commit that is none, or cannot be read, none."""
    with suppress(AdapterHubError):
        if digest:
            return facts_of(desk.store, Digest.parse(digest))
    return Facts(format="", kind="")


def _config(desk: Desk, commit: Commit) -> dict[str, Any]:
    """What clients look for in an adapter's config before they fetch it."""
    try:
        read = json.loads(small(desk, commit, CONFIG) or "null")
    except (ValueError, RecursionError):
        return {}
    words = {key: read.get(key) for key in TOLD} if isinstance(read, dict) else {}
    told = {key: word for key, word in words.items() if isinstance(word, str) and word.isprintable()}
    return {"peft": told} if told else {}
