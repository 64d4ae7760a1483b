"""Errors that a Hub's HTTP answers tell apart: the status and, where its clients know one, the word of X-Error-Code.

Every other error of ours has a status by its kind; the server has that table.
"""

from adapterhub.errors import AdapterHubError, Conflict, NotFound, Refused
from adapterhub.reference import Name

__all__ = [
    "AccessDenied",
    "Answered",
    "EntryNotFound",
    "Full",
    "ParentMoved",
    "RepoNotFound",
    "RevisionNotFound",
    "TokenWanted",
    "TooLarge",
    "public_refused",
]


class Answered(AdapterHubError):
    """What has a status of its own."""

    status = 400
    word = ""
    """The value of X-Error-Code; clients make their own errors of it."""


class RepoNotFound(Answered, NotFound):
    """No such repository, or one that the caller may not see: he is not told which."""

    status = 404
    word = "RepoNotFound"

    @classmethod
    def named(cls, name: object) -> "RepoNotFound":
        """The one answer for both."""
        return cls(
            f"{name}: no such repository, or a private one",
            hint="is the name right? If it is private, a token for it is wanted: ADAPTERHUB_TOKEN or HF_TOKEN",
        )


class RevisionNotFound(Answered, NotFound):
    """The repository has no such branch, tag or commit."""

    status = 404
    word = "RevisionNotFound"


class EntryNotFound(Answered, NotFound):
    """The revision has no such file."""

    status = 404
    word = "EntryNotFound"


class TokenWanted(Answered, Refused):
    """Nobody said who he is, or what he said is not, or no longer, a token of this server."""

    status = 401


class AccessDenied(Answered, Refused):
    """The caller is known, and may not do this."""

    status = 403


def public_refused(name: Name, why: str) -> AccessDenied:
    """What a Hub of ours says to who may publish and not show it to everybody; its client says the same before."""
    return AccessDenied(
        f"{name}: to make it public wants a token for admin of {name.namespace}; {why}",
        hint="push without --public, and it is private; or use a token that the server made by "
        f"`adapterhub token create NAME --role admin --namespace {name.namespace}`",
    )


class TooLarge(Answered, Refused):
    """More bytes than the server takes."""

    status = 413


class Full(Answered):
    """The server's disk has no room for it."""

    status = 507


class ParentMoved(Answered, Conflict):
    """The branch has moved since the commit that the caller built on."""

    status = 412
