"""A commit that a client sends: what it changes becomes a tree, the tree passes the gate, the branch moves.

Small files become blobs while they are read, so that no commit is held in memory. What was kept is claimed until the
commit names it. The order: blobs, commit, version, branch, tag; so a crash leaves less, never half, and what it leaves
out is caught up with: a version without a tag finds its commit.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import final
from unicodedata import normalize

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, WrongUsage
from adapterhub.manifest import File
from adapterhub.protocols.hf_hub.answers import EntryNotFound, ParentMoved, RevisionNotFound
from adapterhub.protocols.hf_hub.commit_lines import Deleted, Header, Large, Line, Regular
from adapterhub.protocols.hf_hub.layout import MANIFEST
from adapterhub.reference import Name
from adapterhub.store.history.commit import Commit, TreeFile, shared_path
from adapterhub.store.history.reader import MAIN
from adapterhub.store.session import Session
from adapterhub.store.shelf import now
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_files import keep_small, land, tree_file
from adapterhub.verbs.hub_gate import gate, tells_of
from adapterhub.verbs.hub_history import info, lay
from adapterhub.verbs.hub_look import FAR, recent
from adapterhub.verbs.hub_publish import publish_commit

__all__ = ["Committed", "commit"]

Tree = Mapping[str, TreeFile]
Claim = Callable[[Digest], bool]
"""Whether the client may name a blob: he sent it, or the repository has it."""

REMOVED = "these files were a version that was removed; a tag on the commit publishes them again"


@final
@dataclass(frozen=True)
class Committed:
    """The commit a branch stands at now, the version that was published with it, and what its maker should know."""

    oid: str
    version: str | None = None
    told: str = ""


@final
@dataclass
class Change:
    """What a commit does, in the order it was sent: the last word on a path counts."""

    header: Header
    steps: list[TreeFile | Deleted] = field(default_factory=list)

    def adds(self, path: str) -> bool:
        return any(isinstance(step, TreeFile) and step.path == path for step in self.steps)

    def applied(self, before: Tree) -> dict[str, TreeFile]:
        """The tree after it; `NotFound` where what is to go is not there."""
        kept = dict(before)
        for step in self.steps:
            if isinstance(step, TreeFile):
                kept[step.path] = step
            else:
                _delete(kept, step)
        return kept


def _delete(kept: dict[str, TreeFile], gone: Deleted) -> None:
    found = [gone.path] if gone.path in kept else []
    if gone.folder:
        found += [path for path in kept if path.startswith(f"{gone.path}/")]
    if not found:
        raise EntryNotFound(f"{gone.path}: no such {'folder' if gone.folder else 'file'}", hint="look again")
    for path in found:
        del kept[path]


def commit(desk: Desk, name: Name, branch: str, lines: Iterable[Line], claim: Claim) -> Committed:
    """Do what a client sent. Sent again it does nothing, and gives the same commit.

    `ParentMoved` where it was made for another commit than the branch's; `WrongUsage`, `Refused` and `Corrupt` for what
    is no commit, and then nothing has moved.
    """
    info(desk, name)
    with desk.store.session() as session:
        change = _collect(desk, session, name, branch, lines, claim)
        with desk.store.history.lock(name):
            lay(desk, name)
            return _move(desk, session, name, branch, change)


def _collect(desk: Desk, session: Session, name: Name, branch: str, lines: Iterable[Line], claim: Claim) -> Change:
    """Read the lines, and keep what they bring."""
    read = iter(lines)
    header = next(read)
    assert isinstance(header, Header)
    change = Change(header)

    @cache
    def known() -> frozenset[str]:
        return frozenset(file.sha256 for commit in recent(desk, name, branch) for file in commit.files)

    for line in read:
        match line:
            case Regular(path, content):
                _check_path(path)
                change.steps.append(keep_small(session, path, content))
            case Large(path, sha256, size):
                _check_path(path)
                file = File(path=path, size=size or 0, sha256=sha256)
                change.steps.append(_large(desk, session, file, size, lambda one: claim(one) or one.hex in known()))
            case Deleted():
                change.steps.append(line)
    land(session)
    return change


def _check_path(path: str) -> None:
    if ".git" in path.casefold().split("/"):
        raise WrongUsage(f"{path}: no repository holds files of git itself", hint="leave it out")


def _large(desk: Desk, session: Session, file: File, size: int | None, claim: Claim) -> TreeFile:
    """A file whose bytes came before: they must be there, and be the client's to name."""
    session.lease.add(file.blob)
    there = desk.store.layout.blob(file.blob)
    if not there.is_file() or not claim(file.blob):
        raise WrongUsage(
            f"{file.path}: nobody sent {file.blob}, and no commit of the last {FAR:,} names it",
            hint="upload it, then commit",
        )
    found = there.stat().st_size
    if size is not None and size != found:
        raise Corrupt(f"{file.path}: {file.blob} has {found} bytes, the commit says {size}", hint="send its real size")
    return tree_file(desk, file.model_copy(update={"size": found}), large=True)


def _move(desk: Desk, session: Session, name: Name, branch: str, change: Change) -> Committed:
    """Make the commit and move the branch to it; called with the repository's lock held."""
    history, header = desk.store.history, change.header
    head = history.heads_of(name).get(branch)
    if head is None:
        raise RevisionNotFound(f"{name}: no branch {branch!r} to commit to", hint="create it, or commit to main")
    there = history.commit(name, head)
    again = header.parent is not None and not head.startswith(header.parent)  # clients may shorten it
    before = _before(desk, name, there, header.parent or "") if again else there
    files = _tree(desk, change, before) if before else ()
    if again and (before is None or files != there.files):
        raise ParentMoved(
            f"{name}: a commit has happened since {header.parent}: {branch} is at {head}",
            hint="look at what is new, then commit again",
        )
    for file in files:
        session.lease.add(file.blob)
    old = {file.path: file for file in there.files}
    fresh = [file for file in files if old.get(file.path) != file]
    gated, told = gate(desk, name, files, fresh)
    oid = head
    if files != there.files:
        time, by = now(there.time), desk.store.user
        fields = {"parent": head, "title": header.title or "a commit", "message": header.message}
        oid = history.put(name, Commit.made(**fields, time=time, by=by, files=files))
    version = publish_commit(desk, name, oid, gated, fresh, before=there.files) if branch == MAIN else None
    history.point(name, branch, oid, head)
    if version and not history.tags_of(name).has(version):
        history.tag(name, version, oid)
    if branch == MAIN and version is None and gated and not gated.ours:
        told = REMOVED
    return Committed(oid, version, told)


def _before(desk: Desk, name: Name, there: Commit, parent: str) -> Commit | None:
    """What a commit was made for, where it may be the one the branch is at: its answer was lost, and it came again."""
    return desk.store.history.commit(name, there.parent) if there.parent and there.parent.startswith(parent) else None


def _tree(desk: Desk, change: Change, before: Commit) -> tuple[TreeFile, ...]:
    """The files after a change. A manifest that is left alone goes where it tells of other files than there are."""
    tree = change.applied({file.path: file for file in before.files})
    if MANIFEST in tree and not change.adds(MANIFEST) and not tells_of(desk.store, tree):
        del tree[MANIFEST]
    folded: dict[str, str] = {}
    for path in sorted(tree):
        if (other := folded.setdefault(normalize("NFC", path).casefold(), path)) != path:
            raise WrongUsage(
                f"{other} and {path} differ in upper and lower case, or in how their accents are written, alone, and "
                "many disks take them for one",
                hint="rename one of them",
            )
    if (both := shared_path(tree)) is not None:
        raise WrongUsage(f"a file and a folder have the same path: {both}", hint="rename one of them")
    return tuple(tree[path] for path in sorted(tree))
