"""The repository a request is about: there, and the caller may see it or write to it."""

from dataclasses import dataclass
from typing import Annotated, final

from fastapi import Depends, Request

from adapterhub.protocols.hf_hub.answers import RepoNotFound
from adapterhub.reference import Name
from adapterhub.server.access import Caller, caller, desk
from adapterhub.server.raw_path import Segment
from adapterhub.store.history.commit import RepoInfo
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_history import info, is_private

__all__ = ["Owned", "Place", "Readable", "Writable", "name_of", "seen"]

LFS = ".git/info/lfs/"
"""git-lfs asks without its password until it is told, there or not, that one is wanted."""


@final
@dataclass(frozen=True)
class Place:
    """A repository, and who asks about it at which desk."""

    desk: Desk
    name: Name
    info: RepoInfo
    caller: Caller


def name_of(repository: str, home: str = "") -> Name:
    """A repository as clients write it: `namespace/name`, or a name alone in the caller's own namespace."""
    namespace, _, name = repository.rpartition("/")
    return Name(namespace or home, name)


def seen(at: Desk, who: Caller, name: Name) -> RepoInfo:
    """What is said of a repository that the caller may see; for any other nothing is read or written, nor told."""
    who.insist_read(name, is_private(at, name))
    return info(at, name)


def _readable(request: Request, namespace: Segment, repository: Segment) -> Place:
    """A repository the caller may see; one that he may not see is answered as one that is not there."""
    who, at, name = caller(request), desk(request), Name(namespace, repository)
    try:
        found = seen(at, who, name)
    except RepoNotFound:
        if LFS in request.url.path:
            who.insist_known()
        raise
    return Place(at, name, found, who)


Readable = Annotated[Place, Depends(_readable)]
"""A repository the caller may see."""


def _writable(place: Readable) -> Place:
    place.caller.insist_write(place.name)
    return place


Writable = Annotated[Place, Depends(_writable)]
"""A repository the caller may publish to."""


def _owned(place: Readable) -> Place:
    place.caller.insist_admin(place.name)
    return place


Owned = Annotated[Place, Depends(_owned)]
"""A repository the caller may delete, move and show to everybody."""
