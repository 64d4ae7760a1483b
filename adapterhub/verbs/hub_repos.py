"""Repositories: made, seen by all or by few, moved and deleted, with the versions in them."""

from adapterhub.errors import Conflict, Refused
from adapterhub.protocols.hf_hub.answers import RepoNotFound
from adapterhub.reference import Name
from adapterhub.store.history.commit import RepoInfo
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_history import caught_up, first_commit, has_history, info, lay

__all__ = ["create", "delete", "insist_free", "move", "set_private"]


TAKEN = frozenset(("api", "bases", "datasets", "spaces", "kernels", "cas", "static", "healthz", "login", "logout"))
"""Namespaces whose addresses mean something else on a server."""


def create(desk: Desk, name: Name, *, private: bool) -> RepoInfo:
    """A new repository with an empty commit; `Conflict` where there is one."""
    if name.namespace.lower() in TAKEN:
        raise Refused(f"{name}: the namespace {name.namespace} means something else here", hint="choose another")
    insist_free(desk, name)
    made = desk.store.history.create(name, private=private, by=desk.store.user)
    first_commit(desk, name, made)
    return made


def insist_free(desk: Desk, name: Name) -> None:
    """`Conflict` where the name is a repository's."""
    if caught_up(desk, name):
        raise Conflict(f"{name}: there is such a repository", hint="push to it, or choose another name")


def set_private(desk: Desk, name: Name, private: bool) -> RepoInfo:
    """Who may see a repository."""
    info(desk, name)
    # Told first, as every event: the index then looks again.
    told = "private" if private else "public"
    event = desk.store.events.write("visible", str(name), by=desk.store.user, detail=told)
    try:
        return desk.store.history.set_private(name, private)
    except BaseException:
        event.unlink(missing_ok=True)
        raise


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
        store.history.delete(name)


def move(desk: Desk, name: Name, to: Name) -> None:
    """A repository under another name: its versions are published there, its history follows, then the old ones go.

    After a crash both are there, and moving again goes on: the event that was written first tells that it had begun.
    `Conflict` where the new name is another repository's.
    """
    info(desk, name)
    store = desk.store
    with store.history.lock(name, to):
        if name == to or (_is_there(desk, to) and not _begun(desk, name, to)):
            raise Conflict(f"{to}: there is such a repository", hint="choose another name")
        store.events.write("move", str(name), by=store.user, detail=str(to))
        lay(desk, name)
        aliases = store.names.aliases(name)
        for version in store.names.shelf(name).versions:
            store.publish(store.open(version.digest), to.at(version.label))
        for alias, label in aliases.items():
            store.alias(to.at(label), alias)
        _move_history(desk, name, to)
        if aliases:
            store.drop_aliases(name)
        for version in store.names.shelf(name).versions:
            store.remove(name.at(version.label))


def _is_there(desk: Desk, name: Name) -> bool:
    return has_history(desk, name) or bool(desk.store.names.shelf(name).versions)


def _begun(desk: Desk, name: Name, to: Name) -> bool:
    """Whether a move from one name to the other was cut off."""
    return any(event.action == "move" and event.detail == str(to) for event in desk.store.events.all(str(name)))


def _move_history(desk: Desk, name: Name, to: Name) -> None:
    """Of a move that was cut off, one side may have been laid anew meanwhile: the longer history is the old one."""
    history = desk.store.history
    if has_history(desk, to):
        if len(history.commits(to)) >= len(history.commits(name)):
            history.delete(name)
            return
        history.delete(to)
    history.move(name, to)
