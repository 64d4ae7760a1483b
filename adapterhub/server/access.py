"""Who asks, and what he may: every route asks here, and nowhere else is it decided.

A caller without a token reads what is public. A token reads, writes or administers its namespaces; one without
namespaces does so everywhere. What somebody may not see is answered as what is not there.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

from fastapi import Request

from adapterhub.digest import Digest
from adapterhub.protocols.hf_hub.answers import AccessDenied, RepoNotFound, TokenWanted, public_refused
from adapterhub.reference import Name
from adapterhub.server.claims import Claims
from adapterhub.server.links import Links
from adapterhub.server.redirects import Redirects
from adapterhub.server.settings import Serving
from adapterhub.server.tokens import Keyring
from adapterhub.server.warming import Warming
from adapterhub.settings import Role
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk

__all__ = ["ANYBODY", "Caller", "Common", "caller", "common", "desk", "holder", "may_claim", "serving", "url_of"]

RANK: dict[str, int] = {"": 0, "read": 1, "write": 2, "admin": 3}
LOGIN = "send a token: `adapterhub token create` on the server makes one; clients read ADAPTERHUB_TOKEN or HF_TOKEN"
READS = ("GET", "HEAD")


@final
@dataclass(frozen=True)
class Caller:
    """Who sent a request; without a token all fields are empty."""

    id: str = ""
    name: str = ""
    role: Role | None = None
    namespaces: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        return self.role is not None

    @property
    def everywhere(self) -> bool:
        """Whether the role holds in all namespaces."""
        return self.known and not self.namespaces

    @property
    def sees(self) -> frozenset[str] | None:
        """The namespaces whose private repositories he sees; None for all."""
        return None if self.everywhere else frozenset(self.namespaces)

    @property
    def home(self) -> str:
        """The namespace of a repository that is named without one."""
        return self.name if not self.namespaces or self.name in self.namespaces else self.namespaces[0]

    def has(self, role: Role, namespace: str) -> bool:
        """Whether the caller has at least this role in a namespace."""
        return RANK[self.role or ""] >= RANK[role] and (self.everywhere or namespace in self.namespaces)

    def may_read(self, name: Name, private: bool) -> bool:
        return not private or self.has("read", name.namespace)

    def may_write(self, name: Name) -> bool:
        return self.has("write", name.namespace)

    def insist_read(self, name: Name, private: bool) -> None:
        """`RepoNotFound` where the caller may not see a repository."""
        if not self.may_read(name, private):
            raise RepoNotFound.named(name)

    def insist_write(self, name: Name) -> None:
        """Publishing and changing; the caller may see the repository, or knows that there is none."""
        self._insist("write", name)

    def insist_admin(self, name: Name) -> None:
        """Deleting, moving, and making public."""
        self._insist("admin", name)

    def insist_public(self, name: Name) -> None:
        """Making a repository that everybody sees, where the caller may write."""
        if not self.has("admin", name.namespace):
            raise public_refused(name, f"{self.name} is one for {self.role}")

    def insist_known(self) -> None:
        if not self.known:
            raise TokenWanted("this wants a token", hint=LOGIN)

    def _insist(self, role: Role, name: Name) -> None:
        if not self.known:
            raise TokenWanted(f"{name}: this wants a token for {role}", hint=LOGIN)
        if not self.has(role, name.namespace):
            where = f" of {', '.join(self.namespaces)}" if self.namespaces else ""
            raise AccessDenied(
                f"{name}: this wants a token for {role} there; {self.name} is one for {self.role}{where}",
                hint=f"on the server: adapterhub token create NAME --role {role} --namespace {name.namespace}",
            )


ANYBODY = Caller()
"""Who sends no token."""


@final
@dataclass(frozen=True)
class Common:
    """What all requests of a server share."""

    desk: Desk
    serving: Serving
    keyring: Keyring
    links: Links
    claims: Claims
    warming: Warming
    redirects: Redirects | None = None


def common(request: Request) -> Common:
    found = request.app.state.common
    assert isinstance(found, Common)
    return found


def serving(request: Request) -> Serving:
    return common(request).serving


def caller(request: Request) -> Caller:
    """Who sent this request; `TokenWanted` for a token that is none of ours, or where everybody needs one."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is None:
        known = _who(request)
        request.state.caller = known
    return known


def holder(request: Request, id: str) -> Caller:
    """Who a link was made for; `TokenWanted` where his token has ended since."""
    token = common(request).keyring.living(id)
    if token is None:
        raise TokenWanted("the token this link was made for has ended", hint=LOGIN)
    found = Caller(id, token.name, token.role, token.namespaces)
    request.state.caller = found
    return found


def desk(request: Request) -> Desk:
    """The store this server serves; what is written is told under the caller's name."""
    found = common(request).desk
    who = caller(request)
    return replace(found, store=Store(found.store.root, who.name) if who.known else found.store, sees=who.sees)


def may_claim(request: Request) -> Callable[[Digest], bool]:
    """Whether the caller may name a blob in a commit, where the repository does not have it already.

    Whoever may read everything may; another one only what he uploaded himself: a digest alone gives no right to bytes.
    """
    who, claims = caller(request), common(request).claims
    return lambda digest: who.everywhere or claims.holds(who.id, digest)


def url_of(request: Request) -> str:
    """Where clients reach this server, without a slash at its end."""
    told = serving(request).public_url
    return told.rstrip("/") if told else f"{request.url.scheme}://{request.url.netloc}"


def _who(request: Request) -> Caller:
    text = _token(request)
    if not text:
        if not serving(request).anonymous:
            raise TokenWanted("this server answers nobody without a token", hint=LOGIN)
        return ANYBODY
    found = common(request).keyring.find(text)
    if found is None:
        ended = common(request).keyring.ended(text)
        why = f"ended {ended[:16].replace('T', ' ')} UTC" if ended else "is none of this server's"
        raise TokenWanted(f"this token {why}", hint=LOGIN)
    id, token = found
    return Caller(id, token.name, token.role, token.namespaces)


def _token(request: Request) -> str:
    """The token of a request: as a bearer's, or as the password of who may only give one (git-lfs, browsers).

    A browser sends a password along wherever another site leads it: so that counts for reading, and for git-lfs.
    """
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic" and (request.method in READS or ".git/info/lfs/" in request.url.path):
        with_password: Any = b""
        try:
            with_password = base64.b64decode(rest.strip(), validate=True)
        except binascii.Error:
            return "?"
        return str(with_password.decode("utf-8", "replace").partition(":")[2]) or "?"
    return "?" if rest else ""
