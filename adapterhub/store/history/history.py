"""The history of every repository of a store: which commits there are, and which branch and tag means which.

At every moment and after every crash: a branch or a tag means a commit that is there, a commit has its parent, and
every file it lists is a blob. So blobs first, the commit next, the name last; and what nobody names any more is left to
the sweep, which takes children before their parents.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import beside, commit_new, make_folder, replace, sync_folder
from adapterhub.errors import Conflict, Corrupt, Refused
from adapterhub.reference import Name
from adapterhub.regular import LARGEST, read_regular
from adapterhub.store.history.commit import Commit, RepoInfo
from adapterhub.store.history.locking import locked
from adapterhub.store.history.reader import MAIN, HistoryReader
from adapterhub.store.layout import Layout
from adapterhub.store.locks import shared
from adapterhub.store.places import inside
from adapterhub.store.shelf import now

__all__ = ["History"]


@final
class History(HistoryReader):
    """The repositories below one root, to be read and written; `prepare` makes the root a store before a repository is
    made in it."""

    def __init__(self, layout: Layout, prepare: Callable[[], None] = lambda: None) -> None:
        super().__init__(layout)
        self._prepare = prepare

    # Repositories.

    def create(self, name: Name, *, private: bool, by: str, created: str = "") -> RepoInfo:
        """Make a repository without commits, in one step; `Conflict` where there is one."""
        self._prepare()
        info, target = RepoInfo(private=private, created=created or now(), by=by), self.layout.repo(name)
        fresh = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            replace(fresh / "repo.json", info.to_bytes() + b"\n")
            with self.lock(name):
                self._insist_free(name)
                fresh.rename(target)
                sync_folder(target.parent)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return info

    def _insist_free(self, name: Name) -> None:
        if inside(self.layout.repo(name)):
            raise Conflict(f"the repository {name} is there already", hint="choose another name, or push to it")

    def set_private(self, name: Name, private: bool) -> RepoInfo:
        """Let a repository be seen by those alone who may, or by everybody."""
        with self.lock(name):
            info = self.info(name).model_copy(update={"private": private})
            replace(self.layout.repo(name) / "repo.json", info.to_bytes() + b"\n")
        return info

    def move(self, name: Name, to: Name) -> None:
        """Give a history another name, in one step; `Conflict` where that is taken. Versions are left alone."""
        source, target = self.layout.repo(name), self.layout.repo(to)
        with self.lock(name, to):
            self.info(name)
            self._insist_free(to)
            make_folder(target.parent)
            with shared(self.layout.incoming):  # else a sweep might look for it in neither place
                source.rename(target)
            sync_folder(target.parent)
            sync_folder(source.parent)

    def delete(self, name: Name) -> None:
        """Forget a history: all names, commits and branches of it in one step. Versions are left alone."""
        source, gone = self.layout.repo(name), self.layout.incoming / f"{secrets.token_hex(8)}.tmp"
        with self.lock(name):
            self.info(name)
            with shared(self.layout.incoming):
                source.rename(gone)
            sync_folder(source.parent)
        shutil.rmtree(gone, ignore_errors=True)

    # Commits and what names them.

    def lock(self, *names: Name) -> contextlib.AbstractContextManager[None]:
        """Hold repositories alone, between processes and threads; the same thread may ask again inside.

        It is asked for before the store's own lock and before a session publishes, never after. Who needs two
        repositories asks for both at once. Not to be held over an `await`.
        """
        return locked(self.layout, *names)

    def put(self, name: Name, commit: Commit) -> str:
        """Keep a commit, durably; returns its name. Called with the repository's lock held until `point` or `tag` has
        named it, else a sweep may take it away.

        Every file must be a blob already that a lease claims (or that another commit or version names): it is looked
        for once more, with the store's lock held, and its name in the folder is made durable. `Conflict` where one is
        gone, `Corrupt` where it has another size, `NotFound` where the parent is not there.
        """
        data, oid = commit.to_bytes(), commit.oid
        if len(data) > LARGEST:
            raise Refused(f"{name}: a commit of {len(commit.files)} files is too large", hint="push fewer files")
        with self.lock(name):
            self.info(name)
            known = {file.blob for file in self.commit(name, commit.parent).files} if commit.parent else set()
            with shared(self.layout.incoming):
                self._insist_blobs(name, commit, known)
                self._write(self.path(name, oid), data)
        return oid

    def _insist_blobs(self, name: Name, commit: Commit, known: set[Digest]) -> None:
        for file in commit.files:
            try:
                size = self.layout.blob(file.blob).stat().st_size
            except FileNotFoundError:
                raise Conflict(
                    f"{name}: the bytes of {file.path} ({file.blob}) are not here",
                    hint="upload them again, then commit",
                ) from None
            if size != file.size:
                raise Corrupt(
                    f"{name}: {file.path} has {size} bytes, the commit says {file.size}", hint="send its real size"
                )
        for folder in {self.layout.blob(file.blob).parent for file in commit.files if file.blob not in known}:
            sync_folder(folder)

    def _write(self, path: Path, data: bytes) -> None:
        with beside(path.parent) as (stream, fresh):
            stream.write(data)
            try:
                commit_new(stream, fresh, path)
            except FileExistsError:  # the same commit, unless it rotted
                if read_regular(path) != data:
                    os.replace(fresh, path)
                    sync_folder(path.parent)

    def point(self, name: Name, branch: str, oid: str, expect: str | None) -> None:
        """Move a branch by compare-and-set: `Conflict` unless it means `expect` now, which is "" where it must not be
        there yet, and None where it may mean anything."""
        with self.lock(name):
            self.commit(name, oid)
            heads = self.heads_of(name)
            before = heads.get(branch) or ""
            if expect is not None and before != expect:
                raise Conflict(
                    f"{name}: {branch} is at {before or 'no commit'}, not at {expect or 'none'}",
                    hint="a commit has happened since: look at what is new, then try again",
                )
            heads.set(branch, oid)

    def drop_branch(self, name: Name, branch: str) -> None:
        """Forget a branch; `Refused` for the main one."""
        if branch == MAIN:
            raise Refused(f"{name}: the branch {MAIN} stays", hint="delete the repository, or commit something else")
        with self.lock(name):
            self.heads_of(name).drop(branch)

    def tag(self, name: Name, tag: str, oid: str) -> None:
        """Give a commit a tag; `Conflict` where that is taken: a tag never moves."""
        with self.lock(name):
            self.commit(name, oid)
            self.tags_of(name).new(tag, oid)

    def untag(self, name: Name, tag: str) -> None:
        """Forget a tag."""
        with self.lock(name):
            self.tags_of(name).drop(tag)
