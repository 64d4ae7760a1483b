"""Repositories: made, seen by all or by few, moved and deleted, with the versions in them."""

from adapterhub.errors import Conflict, Refused
from adapterhub.protocols.hf_hub.answers import RepoNotFound
from adapterhub.reference import Name
from adapterhub.store.history.commit import RepoInfo
from adapterhub.store.shelf import read_shelf
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_history import caught_up, first_commit, has_history, info, lay

__all__ = ["create", "delete", "insist_free", "move", "set_private"]


TAKEN = frozenset(("api", "bases", "datasets", "spaces", "kernels", "cas", "static", "healthz", "login", "logout"))
"""Namespaces whose addresses mean something else on a server."""


def create(desk: Desk, name: Name, *, private: bool) -> RepoInfo:
    """A new repository with an empty commit; `Conflict` where there is one."""
    _insist_reachable(name)
    insist_free(desk, name)
    made = desk.store.history.create(name, private=private, by=desk.store.user)
    first_commit(desk, name, made)
    return made


def _insist_reachable(name: Name) -> None:
    if name.namespace.lower() in TAKEN:
        raise Refused(f"{name}: the namespace {name.namespace} means something else here", hint="choose another")


def insist_free(desk: Desk, name: Name) -> None:
    """`Conflict` where the name is a repository's."""
    if caught_up(desk, name):
        raise Conflict(f"{name}: there is such a repository", hint="push to it, or choose another name")


def set_private(desk: Desk, name: Name, private: bool) -> RepoInfo:
    """Who may see a repository."""
    info(desk, name)
    store, told = desk.store, "private" if private else "public"
    # The lock first: whoever reads the index looks again only for a while after the event.
    with store.history.lock(name), store.events.telling("visible", str(name), by=store.user, detail=told):
        return store.history.set_private(name, private)


def delete(desk: Desk, name: Name) -> None:
    """A repository with all its versions and aliases. Their labels stay taken, their bytes stay until a sweep."""
    if not caught_up(desk, name):
        raise RepoNotFound(f"{name}: no such repository", hint="is the name right?")
    store = desk.store
    with store.history.lock(name):
        if store.names.aliases(name):
            store.drop_aliases(name)
        for version in store.names.shelf(name).versions:
            store.remove(name.at(version.label))
        store.under(name).notes.forget()
        store.history.delete(name)


def move(desk: Desk, name: Name, to: Name) -> None:
    """A repository under another name: its versions are published there, its history follows, then the old ones go.

    After a crash both are there, and moving again goes on: the event that was written first tells that it had begun.
    `Conflict` where the new name is another repository's, `Refused` where nobody could reach it there.
    """
    _insist_reachable(to)
    info(desk, name)
    store = desk.store
    with store.history.lock(name, to):
        if name == to or (_is_there(desk, to) and not _begun(desk, name, to)):
            raise Conflict(f"{to}: there is such a repository", hint="choose another name")
        told = store.events.write("move", str(name), by=store.user, detail=str(to))
        lay(desk, name)
        before, aliases = store.under(name), store.names.aliases(name)
        before.notes.follow(to)
        for version in store.names.shelf(name).versions:
            store.publish(before.open(version.digest), to.at(version.label))
        for alias, label in aliases.items():
            store.alias(to.at(label), alias)
        _move_history(desk, name, to)
        if aliases:
            store.drop_aliases(name)
        for version in store.names.shelf(name).versions:
            store.remove(name.at(version.label))
        before.notes.forget()
        told.done()


def _is_there(desk: Desk, name: Name) -> bool:
    return has_history(desk, name) or bool(desk.store.names.shelf(name).versions)


def _begun(desk: Desk, name: Name, to: Name) -> bool:
    """Whether a move from one name to the other was cut off, and both are still what it left."""
    told = desk.store.events.all(str(name))
    began = [event.time for event in told if event.action == "move" and event.detail == str(to)]
    # After a move that came to its end, what has the old name was made since.
    return bool(began) and info(desk, name).created < began[-1] and _is_half(desk, name, to, began[-1])


def _is_half(desk: Desk, name: Name, to: Name, began: str) -> bool:
    """Whether nothing lies under the new name but what a move that began then brought there."""
    layout = desk.store.layout
    shelves = map(read_shelf, (layout.versions(name), layout.removed(name)))
    here, gone = ({(version.label, version.digest) for version in shelf.versions} for shelf in shelves)
    brought = desk.store.names.shelf(to).versions
    there = {(version.label, version.digest) for version in brought}
    # A move that came to its end left nothing here that is there, whatever the clocks said then.
    if not (there <= here | gone and there & here):
        return False
    created = desk.store.history.info(to).created if has_history(desk, to) else ""
    return created < began or any(created == version.time for version in brought[:1])


def _move_history(desk: Desk, name: Name, to: Name) -> None:
    """Of a move that was cut off, one side may have been laid anew meanwhile: the longer history is the old one."""
    history = desk.store.history
    if has_history(desk, to):
        if len(history.commits(to)) >= len(history.commits(name)):
            history.delete(name)
            return
        history.delete(to)
    history.move(name, to)
