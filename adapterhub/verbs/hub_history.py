"""Versions and history say the same: what was published by other ways is laid into a repository's history.

names/ is the truth. A version without a tag becomes a commit on main, at its own time and by its own author; a tag
whose version was removed goes. Done again it does nothing, and after a crash it goes on.
"""

import errno
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, NotFound
from adapterhub.manifest import Manifest
from adapterhub.protocols.hf_hub.answers import Full, RepoNotFound
from adapterhub.protocols.hf_hub.layout import MANIFEST
from adapterhub.reference import Name
from adapterhub.store.history.commit import Commit, RepoInfo
from adapterhub.store.history.reader import MAIN
from adapterhub.store.history.unreached import reached
from adapterhub.store.shelf import Version, labels
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_lay import laid

__all__ = [
    "caught_up",
    "first_commit",
    "has_history",
    "info",
    "is_private",
    "lay",
]

NEAR = 50
"""Commits in which a version is looked for before it is laid anew."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What a disk says that is full."""

UNWRITABLE = (*FULL, errno.EROFS, errno.EACCES, errno.EPERM)
"""The same of one that can only be read."""


def caught_up(desk: Desk, name: Name) -> bool:
    """Whether there is such a repository, or a version of this name; its history tells of every version then."""
    store = desk.store
    versions = set(labels(store.layout.versions(name)))
    if has_history(desk, name) or versions:
        tags = store.history.tags_of(name)
        if not all(map(tags.has, versions)) or _stale(desk, name) or not _has_branch(desk, name):
            _catch_up(desk, name)
        return True
    return False


def _has_branch(desk: Desk, name: Name) -> bool:
    """Whether a repository has a branch; main, mostly."""
    heads = desk.store.history.heads_of(name)
    return heads.has(MAIN) or next(heads.files(), None) is not None


def _catch_up(desk: Desk, name: Name) -> None:
    """On a disk that takes nothing, what was laid before can still be read; who writes hears of it."""
    try:
        with desk.store.history.lock(name):
            lay(desk, name)
    except OSError as error:
        if error.errno in UNWRITABLE and _has_branch(desk, name):
            return
        if error.errno in FULL:
            raise Full(
                f"{name}: it was added on the server's machine, and can be read here when a few kilobytes of history "
                "have been written beside it; the disk takes nothing now",
                hint="whoever runs the server makes room, for example by `adapterhub sweep`",
            ) from error
        raise


def has_history(desk: Desk, name: Name) -> bool:
    """Whether a repository has been made, or laid."""
    with suppress(NotFound):
        desk.store.history.info(name)
        return True
    return False


def is_private(desk: Desk, name: Name) -> bool:
    """Whether few may see what has this name, as it is until its history says otherwise. Nothing is written."""
    with suppress(AdapterHubError):
        return desk.store.history.info(name).private
    return True


def _stale(desk: Desk, name: Name) -> list[str]:
    """The tags whose version was removed."""
    removed = set(labels(desk.store.layout.removed(name))) - set(labels(desk.store.layout.versions(name)))
    return sorted(filter(desk.store.history.tags_of(name).has, removed))


def info(desk: Desk, name: Name) -> RepoInfo:
    """What is said about a repository, caught up; `RepoNotFound`."""
    if not caught_up(desk, name):
        raise RepoNotFound.named(name)
    return desk.store.history.info(name)


def lay(desk: Desk, name: Name) -> None:
    """Do it; called with the repository's lock held. A version that cannot be read stays without a tag."""
    history = desk.store.history
    versions = desk.store.names.shelf(name).versions
    if versions and not has_history(desk, name):
        history.create(name, private=True, by=versions[0].by, created=versions[0].time)
    for tag in _stale(desk, name):
        history.untag(name, tag)
    tags = history.tags_of(name)
    missing = [version for version in versions if not tags.has(version.label)]
    loose = _cut_off(desk, name) if missing else {}
    for version in missing:
        if entry := _opened(desk, name, version):
            with suppress(AdapterHubError):
                _lay_one(desk, name, version, entry, loose)
    if has_history(desk, name):  # whoever made it may not have come to its first commit yet, or never
        first_commit(desk, name, history.info(name))


def _opened(desk: Desk, name: Name, version: Version) -> Entry | None:
    """What a version names; one that cannot be read hides no other, and `check` says what is wrong with it."""
    with suppress(AdapterHubError, OSError):
        return desk.store.under(name).open(version.digest)
    return None


def _lay_one(desk: Desk, name: Name, version: Version, entry: Entry, loose: Mapping[str, Commit]) -> None:
    store, history = desk.store, desk.store.history
    head = history.heads_of(name).get(MAIN)
    if head:
        for oid, commit in islice(history.log(name, head), NEAR):
            if _holds(commit, entry.manifest):
                history.tag(name, version.label, oid)
                return
    for oid, commit in loose.items():
        if commit.parent == head and _holds(commit, entry.manifest):
            history.point(name, MAIN, oid, head or "")
            history.tag(name, version.label, oid)
            return
    with store.session() as session:
        commit = Commit(
            parent=head,
            title=f"Version {version.label}",
            time=version.time,
            by=version.by,
            files=laid(desk, session, name, entry, history.commit(name, head).files if head else ()),
        )
        oid = history.put(name, commit)
        history.point(name, MAIN, oid, head or "")
        history.tag(name, version.label, oid)


def _cut_off(desk: Desk, name: Name) -> dict[str, Commit]:
    """The commits that nobody names: their maker died when they were published, and before the branch came to them."""
    history = desk.store.history
    with suppress(AdapterHubError):
        return {oid: history.commit(name, oid) for oid in set(history.commits(name)) - reached(history, name)}
    return {}


def _holds(commit: Commit, manifest: Manifest) -> bool:
    """Whether a commit's tree makes this entry."""
    there = {file.path: file.sha256 for file in commit.files}
    if MANIFEST in there:
        return there[MANIFEST] == manifest.digest.hex
    plain = not (manifest.base or manifest.parents or manifest.recipe or manifest.training)
    return plain and bool(manifest.files) and all(there.get(file.path) == file.sha256 for file in manifest.files)


def first_commit(desk: Desk, name: Name, info: RepoInfo) -> None:
    """The empty commit a new repository begins with: clients want one."""
    history = desk.store.history
    with history.lock(name):
        if not _has_branch(desk, name):
            begin = Commit(title="initial commit", time=info.created, by=info.by)
            history.point(name, MAIN, history.put(name, begin), "")
