"""What can be wrong with the histories of a store: `check` asks here."""

import os
from collections.abc import Iterator
from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Corrupt, NotFound
from adapterhub.reference import Name
from adapterhub.store.damage import Damage, Reading
from adapterhub.store.history.commit import Commit
from adapterhub.store.history.refs import Refs, is_oid, read_line
from adapterhub.store.places import inside

__all__ = ["repos"]


def repos(reading: Reading) -> Iterator[Damage]:
    """`bad-name`, `bad-repo`, `bad-commit`, `missing-commit`, `bad-branch`, `bad-tag`, `bad-lost`: files of a history
    that cannot be read, or name a commit that is not there."""
    layout = reading.store.layout
    for folder in (folder for namespace in inside(layout.repos) for folder in inside(namespace)):
        try:
            name = Name(folder.parent.name, folder.name)
        except BadReference as error:
            yield Damage(kind="bad-name", path=str(folder), message=str(error))
            continue
        if folder.is_dir():  # else it is a stray
            yield from _info(reading, name)
            yield from _commits(reading, name)
            yield from _lost(reading, name)
            for refs in (reading.store.history.heads_of(name), reading.store.history.tags_of(name)):
                yield from _refs(reading, name, refs)


def _info(reading: Reading, name: Name) -> Iterator[Damage]:
    folder = reading.store.layout.repo(name)
    try:
        reading.store.history.info(name)
    except (NotFound, Corrupt, OSError) as error:
        if os.path.lexists(folder):  # else it was deleted meanwhile
            yield Damage(kind="bad-repo", path=str(folder / "repo.json"), message=str(error))


def _commits(reading: Reading, name: Name) -> Iterator[Damage]:
    history, whole = reading.store.history, dict[str, Commit]()
    for path in inside(reading.store.layout.repo(name) / "commits"):
        try:
            whole[path.name] = history.commit(name, path.name)
        except NotFound as error:
            if not is_oid(path.name):  # else it was swept meanwhile
                yield Damage(kind="bad-commit", path=str(path), message=str(error))
        except (Corrupt, OSError) as error:
            known = (str(name.at(path.name)),)
            yield Damage(kind="bad-commit", path=str(path), references=known, message=str(error))
    _want(reading, name, whole)
    children: dict[str, list[str]] = {}
    for oid, commit in whole.items():
        children.setdefault(commit.parent or "", []).append(oid)
    for parent in sorted(children.keys() - whole.keys() - {""}):
        yield from _missing(reading, name, parent, children[parent])


def _want(reading: Reading, name: Name, commits: dict[str, Commit]) -> None:
    """Remember which blobs commits need. One commit speaks for all of its repository: the newest."""
    newest: dict[Digest, str] = {}
    for oid, commit in sorted(commits.items(), key=lambda item: (item[1].time, item[0])):
        for file in commit.files:
            newest[file.blob] = oid
            reading.sizes[file.blob] = file.size
    for digest, oid in newest.items():
        reading.wanted.setdefault(digest, []).append(str(name.at(oid)))


def _missing(reading: Reading, name: Name, parent: str, children: list[str]) -> Iterator[Damage]:
    """`missing-commit`, unless a sweep took the children too, or a repair has said what came before."""
    history = reading.store.history
    path = history.path(name, parent)
    if os.path.lexists(path) or os.path.lexists(history.lost(name) / parent):
        return
    if left := [oid for oid in children if history.path(name, oid).exists()]:
        known = tuple(str(name.at(oid)) for oid in sorted(left))
        message = "without it nobody can read what was before"
        yield Damage(kind="missing-commit", path=str(path), references=known, message=message)


def _lost(reading: Reading, name: Name) -> Iterator[Damage]:
    history = reading.store.history
    for path in inside(history.lost(name)):
        try:
            before = read_line(path)
        except (Corrupt, OSError) as error:
            yield Damage(kind="bad-lost", path=str(path), message=str(error))
            continue
        if not is_oid(path.name):
            yield Damage(kind="bad-lost", path=str(path), message="no commit has this name")
        elif before and not os.path.lexists(history.path(name, before)):
            yield Damage(kind="bad-lost", path=str(path), message=f"it names the commit {before}, which is not there")


def _refs(reading: Reading, name: Name, refs: Refs) -> Iterator[Damage]:
    for path in refs.files():
        if message := _doubt(reading, name, refs, path):
            yield Damage(kind=f"bad-{refs.what}", path=str(path), message=message)


def _doubt(reading: Reading, name: Name, refs: Refs, path: Path) -> str:
    """What is wrong with a branch or a tag, if anything is."""
    try:
        word, oid = refs.read(path)
        gone = not os.path.lexists(reading.store.history.path(name, oid))
        if gone and refs.get(word) == oid:  # else it was moved meanwhile, and the commit swept
            return f"{name}: the {refs.what} {word} means the commit {oid}, which is not there"
    except FileNotFoundError:  # dropped meanwhile
        return ""
    except (Corrupt, OSError) as error:
        return str(error)
    return ""
