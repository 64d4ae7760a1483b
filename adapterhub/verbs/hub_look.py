"""Looking into a repository's history: what a revision means, and what its commits name."""

from collections.abc import Iterable, Iterator
from itertools import islice

from adapterhub.errors import NotFound
from adapterhub.protocols.hf_hub.answers import RevisionNotFound
from adapterhub.protocols.hf_hub.layout import alias_of, alias_tag
from adapterhub.reference import Name
from adapterhub.store.history.commit import Commit
from adapterhub.store.history.history import History
from adapterhub.store.history.reader import MAIN
from adapterhub.verbs.desk import Desk

__all__ = ["FAR", "all_tags", "find", "has_tag", "named", "recent"]

FAR = 1000
"""Commits in which a file is looked for: what one question may cost in a long history."""


def all_tags(desk: Desk, name: Name) -> dict[str, str]:
    """Tag -> commit, aliases among them."""
    tags = desk.store.history.tags(name)
    meant = desk.store.names.aliases(name).items()
    return tags | {alias_tag(alias): tags[label] for alias, label in meant if label in tags}


def has_tag(desk: Desk, name: Name, tag: str) -> bool:
    """Whether there is such a tag, or an alias that it stands for."""
    alias = alias_of(tag)
    return alias in desk.store.names.aliases(name) if alias else desk.store.history.tags_of(name).has(tag)


def find(desk: Desk, name: Name, revision: str) -> tuple[str, Commit]:
    """The commit that a branch, a tag, an alias, HEAD or a commit's own id means; `RevisionNotFound`."""
    history = desk.store.history
    try:
        if alias := alias_of(revision):
            oid = history.tags_of(name).at(desk.store.names.aliases(name).get(alias, ""))
            return oid, history.commit(name, oid)
        return history.find(name, revision)
    except NotFound as error:
        raise RevisionNotFound(f"{name}: no branch, tag or commit {revision[:100]!r}", hint=error.hint) from None


def named(desk: Desk, name: Name, wanted: Iterable[str], most: int = FAR) -> frozenset[str]:
    """Which of these blobs, in hex digits, a commit of the repository names.

    They are looked for in main first, in the newest commits first, and in `most` commits at the most.
    """
    left, found = set(wanted), set[str]()
    for commit in recent(desk, name, most=most) if left else ():
        found |= left.intersection(file.sha256 for file in commit.files)
        left -= found
        if not left:
            break
    return frozenset(found)


def recent(desk: Desk, name: Name, branch: str = MAIN, most: int = FAR) -> Iterator[Commit]:
    """The commits in which a file is looked for: each once, those of a branch first, `most` of them at the most."""
    return islice(_reached(desk.store.history, name, branch), most)


def _reached(history: History, name: Name, first: str) -> Iterator[Commit]:
    branches, seen = history.branches(name), set[str]()
    for end in (branches.get(first, ""), *branches.values(), *history.tags(name).values()):
        for oid, commit in history.log(name, end) if end not in seen else ():
            if oid in seen:
                break
            seen.add(oid)
            yield commit
