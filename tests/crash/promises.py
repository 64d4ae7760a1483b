"""What clients were promised by a server, from their own records, and whether a store and a server keep it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapterhub.digest import Digest
from adapterhub.manifest import File
from adapterhub.reference import Name, parse
from adapterhub.registry import Listed
from adapterhub.store.history.commit import Commit
from adapterhub.store.store import Store
from tests.crash.pushers import WEIGHTS

Tree = dict[str, str]
"""Path -> sha256."""

Get = Callable[[str], bytes]
"""The bytes a server gives for a path."""

MANIFEST = "adapterhub.json"


@dataclass
class Kept:
    """A repository as its owner was told: commits by id, the oldest first; tags; and the trees he may have left."""

    commits: dict[str, Tree] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    """Commits that made a version."""
    tags: dict[str, str] = field(default_factory=dict)
    asked: list[Tree] = field(default_factory=list)

    def tree_after(self, said: dict[str, Any]) -> Tree:
        before = self.commits[next(reversed(self.commits))] if self.commits else {}
        return before | said["files"]


@dataclass
class Promised:
    """All that one client was promised; `pending` is what it asked for and was not told the end of."""

    kind: str
    repos: dict[str, Kept] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    pushed: dict[str, str] = field(default_factory=dict)
    """Our own pushes: version -> digest."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Our own aliases: repository -> version."""
    digests: set[str] = field(default_factory=set)
    """Whatever our own command began to push."""
    pending: dict[str, Any] = field(default_factory=dict)

    def begin(self, said: dict[str, Any]) -> None:
        self.pending = said
        if said["begin"] == "commit":
            kept = self.repos[said["repo"]]
            kept.asked.append(kept.tree_after(said))
        elif said["begin"] == "push":
            self.digests.add(said["digest"].removeprefix("sha256:"))

    def done(self, said: dict[str, Any]) -> None:
        self.pending = {}
        getattr(self, f"_{said['done']}")(said["repo"], said)

    def _create(self, repo: str, said: dict[str, Any]) -> None:
        self.repos[repo] = Kept()

    def _commit(self, repo: str, said: dict[str, Any]) -> None:
        kept = self.repos[repo]
        kept.commits[said["oid"]] = kept.tree_after(said)
        if said["weights"]:
            kept.whole.add(said["oid"])

    def _tag(self, repo: str, said: dict[str, Any]) -> None:
        self.repos[repo].tags[said["tag"]] = said["oid"]

    def _untag(self, repo: str, said: dict[str, Any]) -> None:
        del self.repos[repo].tags[said["tag"]]

    def _move(self, repo: str, said: dict[str, Any]) -> None:
        self.repos[said["to"]] = self.repos.pop(repo)
        self.gone.add(repo)

    def _delete(self, repo: str, said: dict[str, Any]) -> None:
        del self.repos[repo]
        self.gone.add(repo)

    def _push(self, repo: str, said: dict[str, Any]) -> None:
        assert (said["told"], said["told_digest"]) == (said["reference"], said["digest"])
        self.pushed[said["reference"]] = said["digest"]
        if said["alias"]:
            self.aliases[repo] = said["reference"]

    def may_be_anything(self, repo: str) -> bool:
        """Whether a repository is on its way away."""
        return self.pending.get("repo") == repo and self.pending["begin"] in ("delete", "move")


def read(folder: Path) -> list[Promised]:
    """What every client wrote down."""
    found = []
    for path in sorted(folder.glob("*.told")):
        promised = Promised(path.stem)
        for said in lines(path):
            if "begin" in said:
                promised.begin(said)
            elif "done" in said:
                promised.done(said)
        found.append(promised)
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a record."""
    text = path.read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


# Of the store, as it lies there.


@dataclass
class Judge:
    """Compares a store that nobody writes to with promises. Commits and manifests never change: each is read once."""

    store: Store
    read: dict[str, Commit] = field(default_factory=dict)
    manifests: dict[Digest, tuple[File, ...]] = field(default_factory=dict)

    def judge(self, clients: Iterable[Promised]) -> None:
        """Every promise is kept, and nothing is there that nobody sent."""
        listed = list(self.store.list())
        for promised in clients:
            self._judge(promised, [line for line in listed if line.reference.name.namespace == promised.kind])

    def _judge(self, promised: Promised, listed: list[Listed]) -> None:
        there = {str(name) for name in self.store.history.all() if name.namespace == promised.kind}
        for repo, kept in promised.repos.items():
            if not promised.may_be_anything(repo):
                self._keeps(promised, repo, kept)
            elif promised.pending["begin"] == "move":
                names = [name for name in (repo, promised.pending["to"]) if name in there]
                assert any(self._has_all(name, kept) for name in names), f"{repo}: lost while it was moved"
        ours = {reference.partition("@")[0] for reference in promised.pushed}
        allowed = {*promised.repos, promised.pending.get("repo"), promised.pending.get("to"), *ours}
        assert there <= allowed, there - allowed
        self._keeps_pushes(promised)
        self._knows_all(promised, there)
        self._knows_versions(promised, listed)

    def _keeps(self, promised: Promised, repo: str, kept: Kept) -> None:
        history, name, pending = self.store.history, parse(repo).name, promised.pending
        busy = pending.get("repo") == repo
        head, last = history.branches(name)["main"], next(reversed(kept.commits), None)
        if head != last:
            allowed = [{}] if last is None else []
            allowed += kept.asked[-1:] if busy and pending["begin"] == "commit" else []
            assert self._is_one_of(name, head, allowed), f"{repo}: {head}"
        assert self._has_all(repo, kept), f"{repo}: commits were lost"
        tags, aliases = history.tags(name), self.store.names.aliases(name)
        versions = {version.digest for version in self.store.names.shelf(name).versions}
        weights = {file.sha256 for digest in versions for file in self._files(digest)}
        for oid in kept.whole:
            assert kept.commits[oid][WEIGHTS] in weights, f"{repo}: {oid} is no version"
        for tag, oid in kept.tags.items():
            if not (busy and (pending["begin"], pending.get("tag")) == ("untag", tag)):
                at = tags.get(aliases.get(tag.removeprefix("alias/"), "")) if "/" in tag else tags.get(tag)
                assert at == oid, f"{repo}: {tag} means {at}, not {oid}"

    def _files(self, manifest: Digest) -> tuple[File, ...]:
        if manifest not in self.manifests:
            self.manifests[manifest] = self.store.manifest(manifest).files
        return self.manifests[manifest]

    def _has_all(self, repo: str, kept: Kept) -> bool:
        name = parse(repo).name
        head = self.store.history.branches(name).get("main")
        log = {oid: self._tree(name, oid) for oid in self._log(name, head)} if head else {}
        return kept.commits.items() <= log.items()

    def _commit(self, name: Name, oid: str) -> Commit:
        if oid not in self.read:
            self.read[oid] = self.store.history.commit(name, oid)
        assert self.store.history.path(name, oid).exists(), f"{name}: the commit {oid} is gone"
        return self.read[oid]

    def _log(self, name: Name, oid: str | None) -> Iterator[str]:
        while oid:
            yield oid
            oid = self._commit(name, oid).parent

    def _tree(self, name: Name, oid: str) -> Tree:
        return {file.path: file.sha256 for file in self._commit(name, oid).files}

    def _keeps_pushes(self, promised: Promised) -> None:
        for reference, digest in promised.pushed.items():
            assert str(self.store.resolve(parse(reference)).digest) == digest, reference
        for repo, reference in promised.aliases.items():
            label = self.store.names.aliases(parse(repo).name).get("prod")
            meant = [reference]
            if promised.pending.get("alias") and promised.pending["repo"] == repo:
                meant.append(promised.pending["reference"])
            assert f"{repo}@{label}" in meant, f"{repo}@prod means {label}"

    def _knows_all(self, promised: Promised, there: set[str]) -> None:
        """No commit is half of something."""
        sent = [tree for kept in promised.repos.values() for tree in (*kept.asked, *kept.commits.values())]
        for repo in there & {*promised.repos, promised.pending.get("to", "")}:
            for oid in self._all(parse(repo).name):
                assert self._is_one_of(parse(repo).name, oid, [{}, *sent]), f"{repo}: nobody sent {oid}"

    def _knows_versions(self, promised: Promised, listed: list[Listed]) -> None:
        """No version is half of something, or of what went away."""
        kept = promised.repos.values()
        weights = {tree.get(WEIGHTS) for one in kept for tree in (*one.asked, *one.commits.values())}
        for line in listed:
            assert str(line.reference.name) not in promised.gone, f"{line.reference} was moved or deleted"
            if promised.repos:
                assert weights & {file.sha256 for file in self._files(line.digest)}, line.reference
            else:
                assert line.digest.hex in promised.digests, line.reference

    def _is_one_of(self, name: Name, oid: str, trees: list[Tree]) -> bool:
        return self._tree(name, oid) in trees

    def _all(self, name: Name) -> Iterator[str]:
        history, seen = self.store.history, set[str]()
        for head in {*history.branches(name).values(), *history.tags(name).values()}:
            for oid in self._log(name, head):
                if oid in seen:
                    break
                seen.add(oid)
                yield oid


# Of a server, as anybody sees it.


def gives(get: Get, promised: Promised, last: int) -> int:
    """The server gives the bytes of the newest commits, of each repository so many; how many files it gave."""
    count = 0
    for repo, kept in promised.repos.items():
        if promised.may_be_anything(repo):
            continue
        for oid in [*kept.commits][-last:]:
            for path, sha256 in kept.commits[oid].items():
                assert hashlib.sha256(get(f"/{repo}/resolve/{oid}/{path}")).hexdigest() == sha256, (repo, oid, path)
                count += 1
    for reference, digest in [*promised.pushed.items()][-last:]:
        repo, _, version = reference.partition("@")
        manifest = get(f"/{repo}/resolve/{version}/{MANIFEST}")
        assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == digest, reference
        for file in json.loads(manifest)["files"]:
            got = get(f"/{repo}/resolve/{version}/{file['path']}")
            assert hashlib.sha256(got).hexdigest() == file["sha256"], (reference, file["path"])
            count += 1
    return count
