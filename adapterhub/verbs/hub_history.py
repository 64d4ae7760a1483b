"""Versions and history say the same: what was published by other ways is laid into a repository's history.

names/ is the truth. A version without a tag becomes a commit on main, at its own time and by its own author; a tag
whose version was removed goes. Done again it does nothing, and after a crash it goes on.
"""

import io
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice

from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, NotFound
from adapterhub.manifest import File, Manifest
from adapterhub.protocols.hf_hub.answers import RepoNotFound, RevisionNotFound
from adapterhub.protocols.hf_hub.layout import CARD, MANIFEST, alias_of, alias_tag, reserved
from adapterhub.protocols.hf_hub.wire import is_large, pointer
from adapterhub.reference import Name
from adapterhub.remotes.hub_readme import readme
from adapterhub.store.history.commit import Commit, RepoInfo, TreeFile, git_blob_id
from adapterhub.store.history.quoting import unquote
from adapterhub.store.history.reader import MAIN
from adapterhub.store.locks import shared
from adapterhub.store.session import Session
from adapterhub.store.shelf import Version, labels
from adapterhub.verbs.desk import Desk

__all__ = [
    "all_tags",
    "caught_up",
    "find",
    "first_commit",
    "has_history",
    "info",
    "keep_small",
    "land",
    "lay",
    "tree_file",
]

NEAR = 50
"""Commits in which a version is looked for before it is laid anew."""

SAMPLE = 512
CONFIG, LARGEST = "adapter_config.json", 1 << 20


def caught_up(desk: Desk, name: Name) -> bool:
    """Whether there is such a repository, or a version of this name; its history tells of every version then."""
    store = desk.store
    versions = set(labels(store.layout.versions(name)))
    if has_history(desk, name) or versions:
        tags = {unquote(path.name) or "" for path in store.history.tags_of(name).files()}
        if versions - tags or _stale(desk, name, tags) or not store.history.branches(name):
            with store.history.lock(name):
                lay(desk, name)
        return True
    return False


def has_history(desk: Desk, name: Name) -> bool:
    """Whether a repository has been made, or laid."""
    with suppress(NotFound):
        desk.store.history.info(name)
        return True
    return False


def _stale(desk: Desk, name: Name, tags: Iterable[str]) -> list[str]:
    """The tags whose version was removed."""
    removed = set(labels(desk.store.layout.removed(name)))
    return sorted(removed.intersection(tags) - set(labels(desk.store.layout.versions(name))))


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
    tags = history.tags(name)
    for tag in _stale(desk, name, tags):
        history.untag(name, tag)
    for version in versions:
        if version.label not in tags:
            with suppress(AdapterHubError):
                _lay_one(desk, name, version)
    if has_history(desk, name):  # whoever made it may not have come to its first commit yet, or never
        first_commit(desk, name, history.info(name))


def _lay_one(desk: Desk, name: Name, version: Version) -> None:
    store, history = desk.store, desk.store.history
    entry, head = store.open(version.digest), history.branches(name).get(MAIN)
    if head:
        for oid, commit in islice(history.log(name, head), NEAR):
            if _holds(commit, entry.manifest):
                history.tag(name, version.label, oid)
                return
    with store.session() as session:
        commit = Commit(
            parent=head,
            title=f"Version {version.label}",
            time=version.time,
            by=version.by,
            files=_tree(desk, session, name, entry),
        )
        oid = history.put(name, commit)
        history.point(name, MAIN, oid, head or "")
        history.tag(name, version.label, oid)


def _holds(commit: Commit, manifest: Manifest) -> bool:
    """Whether a commit's tree makes this entry."""
    there = {file.path: file.sha256 for file in commit.files}
    if MANIFEST in there:
        return there[MANIFEST] == manifest.digest.hex
    plain = not (manifest.base or manifest.parents or manifest.recipe or manifest.training)
    return plain and bool(manifest.files) and all(there.get(file.path) == file.sha256 for file in manifest.files)


def _tree(desk: Desk, session: Session, name: Name, entry: Entry) -> tuple[TreeFile, ...]:
    """The files of an entry, its manifest, and a card."""
    session.lease.add(entry.digest)
    for file in entry.manifest.files:
        session.lease.add(file.blob)
    manifest = File(path=MANIFEST, size=len(entry.manifest.to_bytes()), sha256=entry.digest.hex)
    files = [tree_file(desk, file) for file in (*entry.manifest.files, manifest) if not _own(file.path)]
    if all(file.path != CARD for file in files):
        text = readme(str(name), entry, _config(entry), "")
        files.append(keep_small(session, CARD, text.encode()))
        land(session)
    return tuple(files)


def _config(entry: Entry) -> bytes | None:
    """The adapter's config, where there is one of a size that a config has."""
    file = entry.manifest.file(CONFIG)
    if file is None or file.size > LARGEST:
        return None
    with entry.files.open(file) as stream:
        return stream.read()


def _own(path: str) -> bool:
    """Whether a file of an entry lies where one of ours does."""
    return reserved(path) and path != MANIFEST


def tree_file(desk: Desk, file: File, *, large: bool | None = None) -> TreeFile:
    """A blob under a path, as a file of a commit; large or not by its name and size where nobody says."""
    with desk.store.blob(file.blob) as stream:
        if large is None:
            large = is_large(file.path, file.size, stream.read(SAMPLE))
            stream.seek(0)
        text = pointer(file.sha256, file.size)
        sha1 = git_blob_id(io.BytesIO(text), len(text)) if large else git_blob_id(stream, file.size)
    return TreeFile(path=file.path, size=file.size, sha256=file.sha256, sha1=sha1, large=large)


def keep_small(session: Session, path: str, data: bytes) -> TreeFile:
    """Take a small file, which nothing names yet: the session claims it; `land` makes it a blob."""
    digest, size = session.take(io.BytesIO(data))
    session.lease.add(digest)
    return TreeFile(path=path, size=size, sha256=digest.hex, sha1=git_blob_id(io.BytesIO(data), size))


def land(session: Session) -> None:
    """Make blobs of what was taken; no sweep is in the middle of its work then."""
    with shared(session.store.layout.incoming):
        session.staging.land()


def first_commit(desk: Desk, name: Name, info: RepoInfo) -> None:
    """The empty commit a new repository begins with: clients want one."""
    history = desk.store.history
    with history.lock(name):
        if not history.branches(name):
            begin = Commit(title="initial commit", time=info.created, by=info.by)
            history.point(name, MAIN, history.put(name, begin), "")


def all_tags(desk: Desk, name: Name) -> dict[str, str]:
    """Tag -> commit, aliases among them."""
    tags = desk.store.history.tags(name)
    meant = desk.store.names.aliases(name).items()
    return tags | {alias_tag(alias): tags[label] for alias, label in meant if label in tags}


def find(desk: Desk, name: Name, revision: str) -> tuple[str, Commit]:
    """The commit that a branch, a tag, an alias, HEAD or a commit's own id means; `RevisionNotFound`."""
    history = desk.store.history
    try:
        if alias_of(revision):
            oid = all_tags(desk, name).get(revision, "")
            return oid, history.commit(name, oid)
        return history.find(name, revision)
    except NotFound as error:
        raise RevisionNotFound(f"{name}: no branch, tag or commit {revision[:100]!r}", hint=error.hint) from None
