"""Repairs of histories: what is damaged is set aside, and the rest goes on around it.

A commit that is lost cannot be made again. So its children keep their names, and a file in lost/ says which commit came
before it, as far as anybody can tell. A main branch that is lost means the newest commit no other branch reaches; other
branches and tags are set aside. A repository nobody knows to be public is private.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from adapterhub.durable import replace
from adapterhub.errors import AdapterHubError
from adapterhub.reference import Name
from adapterhub.store.history.commit import Commit, RepoInfo
from adapterhub.store.history.history import History
from adapterhub.store.history.quoting import quote
from adapterhub.store.history.reader import MAIN
from adapterhub.store.quarantine import set_aside
from adapterhub.store.shelf import now
from adapterhub.store.store import Store

__all__ = ["REPOS", "repair_repo"]


def repair_repo(store: Store, kind: str, path: Path) -> None:
    """Mend one thing in a history, or put it out of the way."""
    namespace, word = path.relative_to(store.layout.repos).parts[:2]
    name = Name(namespace, word)
    with store.history.lock(name):
        set_aside(store.layout, path)
        REPOS[kind](store.history, name, path)


def _leave(history: History, name: Name, path: Path) -> None:
    """It is out of the way, and that is all."""


def _private(history: History, name: Name, path: Path) -> None:
    since = min((commit.time for commit in _readable(history, name).values()), default=now())
    replace(path, RepoInfo(private=True, created=since).to_bytes() + b"\n")


def _newest(history: History, name: Name, path: Path) -> None:
    """Let the main branch mean the newest commit that belongs to no other branch."""
    if path.name == quote(MAIN):
        others = {oid for tip in history.branches(name).values() for oid in _chain(history, name, tip)}
        commits = {oid: commit for oid, commit in _readable(history, name).items() if oid not in others}
        if newest := _latest(commits):
            history.point(name, MAIN, newest, None)


def _go_round(history: History, name: Name, path: Path) -> None:
    """Write down which commit came before one that is lost: the newest that was there before its children."""
    commits = _readable(history, name)
    until = min((commit.time for commit in commits.values() if commit.parent == path.name), default="")
    older = {oid: commit for oid, commit in commits.items() if commit.time <= until}
    # Nothing that came after it, else the history would run in a circle.
    before = {oid: older[oid] for oid in older if not _comes_after(history, name, commits, oid, path.name)}
    replace(history.lost(name) / path.name, f"{_latest(before)}\n".encode())


REPOS: dict[str, Callable[[History, Name, Path], None]] = {
    "bad-branch": _newest,
    "bad-commit": _leave,
    "bad-lost": _leave,
    "bad-repo": _private,
    "bad-tag": _leave,
    "missing-commit": _go_round,
}
"""What is done when the damaged file, where there is one, is out of the way."""


def _readable(history: History, name: Name) -> dict[str, Commit]:
    found = {}
    for oid in history.commits(name):
        with suppress(AdapterHubError, OSError):
            found[oid] = history.commit(name, oid)
    return found


def _latest(commits: dict[str, Commit]) -> str:
    return max(commits, key=lambda oid: (commits[oid].time, oid), default="")


def _chain(history: History, name: Name, tip: str) -> list[str]:
    """A commit and those before it, as far as they can be read."""
    found: list[str] = []
    with suppress(AdapterHubError, OSError):
        for oid, _ in history.log(name, tip):
            found.append(oid)
    return found


def _comes_after(history: History, name: Name, commits: dict[str, Commit], oid: str, lost: str) -> bool:
    """Whether a commit that is lost came before this one, as far as anybody knows."""
    while oid in commits:
        oid = history.before(name, commits[oid])
    return oid == lost
