"""Reading histories: repositories, commits, branches and tags. No lock is taken: whatever has a name is whole."""

import contextlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Corrupt, NotFound
from adapterhub.reference import Name
from adapterhub.regular import read_regular
from adapterhub.store.history.commit import Commit, RepoInfo
from adapterhub.store.history.quoting import unquote
from adapterhub.store.history.refs import Refs, is_oid, read_line
from adapterhub.store.layout import Layout
from adapterhub.store.places import inside

__all__ = ["MAIN", "HistoryReader"]

MAIN = "main"
"""The branch that is there first, and that HEAD means."""


class HistoryReader:
    """What the histories below one root say."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def all(self) -> Iterator[Name]:
        """Every repository, by name. Words that are no names are left to `check`."""
        for folder in (folder for namespace in inside(self.layout.repos) for folder in inside(namespace)):
            with contextlib.suppress(BadReference):
                yield Name(folder.parent.name, folder.name)

    def info(self, name: Name) -> RepoInfo:
        """What is said about a repository; `NotFound` where there is none."""
        path = self.layout.repo(name) / "repo.json"
        try:
            return RepoInfo.from_bytes(read_regular(path), str(path))
        except FileNotFoundError:
            raise NotFound(f"{name}: no such repository", hint="is the name right? A push makes a new one") from None

    def heads_of(self, name: Name) -> Refs:
        """The branches of a repository, as files."""
        return Refs(self.layout.repo(name) / "heads", "branch")

    def tags_of(self, name: Name) -> Refs:
        """The tags of a repository, as files."""
        return Refs(self.layout.repo(name) / "tags", "tag")

    def branches(self, name: Name) -> dict[str, str]:
        """Branch -> commit."""
        return self.heads_of(name).all()

    def tags(self, name: Name) -> dict[str, str]:
        """Tag -> commit."""
        return self.tags_of(name).all()

    def path(self, name: Name, oid: str) -> Path:
        """Where a commit lies, or would."""
        if not is_oid(oid):
            raise NotFound(f"{name}: {oid[:100]!r} is no commit", hint="a commit is 40 hex digits")
        return self.layout.repo(name) / "commits" / oid

    def commit(self, name: Name, oid: str) -> Commit:
        """A commit, verified."""
        path = self.path(name, oid)
        try:
            data = read_regular(path)
        except FileNotFoundError:
            raise NotFound(
                f"{name}: there is no commit {oid}", hint="the branches and tags say which there are"
            ) from None
        if (got := Digest.of(data).hex[:40]) != oid:
            raise Corrupt(
                f"{path}: its bytes make the commit {got}", hint="adapterhub check --repair; or restore that file"
            )
        return Commit.from_bytes(data, str(path))

    def find(self, name: Name, revision: str) -> tuple[str, Commit]:
        """The commit that a full commit id, HEAD, main, a tag or another branch means, in this order: a branch that is
        called as a version hides it from nobody."""
        heads, tags = self.heads_of(name), self.tags_of(name)
        if is_oid(revision) and self.path(name, revision).exists():
            oid: str | None = revision
        else:
            word = MAIN if revision == "HEAD" else revision
            first, then = (heads, tags) if word == MAIN else (tags, heads)
            oid = first.get(word) or then.get(word)
        if not oid:
            files = [path.name for refs in (heads, tags) for path in islice(refs.files(), 8)]
            known = ", ".join(filter(None, map(unquote, files[:8]))) or "none yet"
            raise NotFound(f"{name}: no branch, tag or commit {revision[:100]!r}", hint=f"there are: {known}")
        return oid, self.commit(name, oid)

    def before(self, name: Name, commit: Commit) -> str:
        """The commit before one, or "": its parent, or what a repair put in the place of a parent that was lost."""
        parent = commit.parent or ""
        if parent and not self.path(name, parent).exists():
            with contextlib.suppress(FileNotFoundError):
                return read_line(self.lost(name) / parent)
        return parent

    def lost(self, name: Name) -> Path:
        """Where repairs say which commit came before one that is lost."""
        return self.layout.repo(name) / "lost"

    def log(self, name: Name, oid: str) -> Iterator[tuple[str, Commit]]:
        """A commit and all before it, the newest first."""
        seen: set[str] = set()
        while oid:
            if oid in seen:
                raise Corrupt(f"{name}: the history comes back to {oid}", hint="a file in lost/ is wrong: delete it")
            seen.add(oid)
            commit = self.commit(name, oid)
            yield oid, commit
            oid = self.before(name, commit)

    def commits(self, name: Name) -> list[str]:
        """All commits that lie there, whether or not a branch or a tag reaches them."""
        return [path.name for path in inside(self.layout.repo(name) / "commits") if is_oid(path.name)]

    def blobs(self) -> Iterator[Digest]:
        """Every blob that a commit names, as often as one does; `Corrupt` where a commit cannot be read."""
        for name in self.all():
            for oid in self.commits(name):
                yield from (file.blob for file in self.commit(name, oid).files)
