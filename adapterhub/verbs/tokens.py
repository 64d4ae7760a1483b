"""`token create`, `token list`, `token revoke`: who may use this store's server, and for what."""

import re
import secrets
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Conflict, NotFound, WrongUsage
from adapterhub.reference import check_name
from adapterhub.settings import Role, Settings, Token, TokenFacts
from adapterhub.store.shelf import now
from adapterhub.verbs.desk import Desk

__all__ = ["PREFIX", "TokenMade", "TokenShown", "create", "living", "revoke"]

PREFIX = "hf_ahub"
"""What a token begins with: the JavaScript client of the Hub takes none without `hf_`; and programs that look for
leaked secrets can know one."""

ROLES: tuple[Role, ...] = ("read", "write", "admin")
LENGTH = re.compile(r"([0-9]{1,4})([mhdwy])")
UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


class TokenShown(TokenFacts):
    """A token as a list tells it, without the token."""

    id: str
    state: str
    """`good`, `expired` or `revoked`."""


class TokenMade(TokenShown):
    """The same with the token, which is told this once."""

    token: str


def create(desk: Desk, name: str, role: str, namespaces: Iterable[str] = (), expires: str | None = None) -> TokenMade:
    """A new token; `expires` is a length (30d, 12h) or a time, none means never."""
    if "/" in name:
        raise BadReference(
            f"{name!r} is not a name of a token: there is a slash in it",
            hint="name whose it is, or what it is for: ada, ci; where it may be used is --namespace NAMESPACE",
        )
    check_name(name, "name of a token")
    known = tuple(dict.fromkeys(check_name(word, "namespace") for word in namespaces))
    wanted = next((word for word in ROLES if word == role), None)
    if wanted is None:
        raise WrongUsage(f"{role!r} is no role", hint=f"a token is for {', '.join(ROLES)}")
    id, created = secrets.token_hex(6), now()
    text = f"{PREFIX}_{id}_{secrets.token_hex(32)}"
    token = Token(
        name=name,
        hash=Digest.of(text.encode()).hex,
        role=wanted,
        namespaces=known,
        created=created,
        by=desk.store.user,
        expires=_moment(expires, created) if expires else "",
    )

    def add(settings: Settings) -> Settings:
        if other := next((i for i, t in settings.tokens.items() if t.name == name and t.lives(created)), None):
            raise Conflict(
                f"{name}: there is such a token, its id is {other}",
                hint=f"give another name, or first `adapterhub token revoke {name}`",
            )
        _tell(desk, told, "token", id, token)
        return settings.model_copy(update={"tokens": {**settings.tokens, id: token}})

    with ExitStack() as told:
        desk.change_settings(add)
    return TokenMade(**_shown(id, token).model_dump(), token=text)


def living(desk: Desk) -> list[TokenShown]:
    """All tokens that were ever made, oldest first."""
    tokens = desk.store.settings.tokens
    return [_shown(id, token) for id, token in sorted(tokens.items(), key=lambda item: (item[1].created, item[0]))]


def revoke(desk: Desk, word: str) -> TokenShown:
    """End a token, by its name or id; a server that runs knows it at its next request."""
    found: list[TokenShown] = []

    def end(settings: Settings) -> Settings:
        moment = now()
        good = {i: t for i, t in settings.tokens.items() if word in (i, t.name) and not t.revoked}
        if not good:
            if any(word in (id, token.name) for id, token in settings.tokens.items()):
                raise NotFound(f"{word}: this token is revoked already", hint="adapterhub token list")
            raise NotFound(f"{word}: no token has this name or id", hint="adapterhub token list")
        for id, token in good.items():
            _tell(desk, told, "revoke", id, token)
        ended = {i: token.model_copy(update={"revoked": moment}) for i, token in good.items()}
        found.extend(_shown(i, token) for i, token in ended.items())
        return settings.model_copy(update={"tokens": {**settings.tokens, **ended}})

    with ExitStack() as told:
        desk.change_settings(end)
    return found[-1]


def _tell(desk: Desk, told: ExitStack, action: str, id: str, token: Token) -> None:
    """Write what is about to happen into the trail, without what is secret; `told` takes it back where it fails."""
    where, end = ", ".join(token.namespaces) or "all namespaces", token.expires or "it is revoked"
    detail = f"{id}: {token.role} in {where}, until {end}"
    told.enter_context(desk.store.events.telling(action, f"token:{token.name}", by=desk.store.user, detail=detail))


def _shown(id: str, token: Token) -> TokenShown:
    state = "revoked" if token.revoked else "good" if token.lives(now()) else "expired"
    return TokenShown(id=id, state=state, **token.model_dump(exclude={"hash"}))


def _moment(text: str, created: str) -> str:
    """When something ends that a person gave as a length or a time."""
    start = datetime.fromisoformat(created)
    try:
        if found := LENGTH.fullmatch(text):
            end = start + timedelta(seconds=int(found[1]) * UNITS[found[2]])
        else:
            end = datetime.fromisoformat(text)
            end = end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongUsage(
            f"{text!r} is neither a length nor a time", hint="write 12h, 30d, 8w or 1y, or a day: 2027-01-31"
        ) from None
    if end <= start:
        raise WrongUsage(f"{text!r} is over already", hint="write 12h, 30d, 8w or 1y, or a day to come")
    return end.isoformat(timespec="microseconds").replace("+00:00", "Z")
