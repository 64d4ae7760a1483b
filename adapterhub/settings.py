"""settings.json of a local store: the remotes it knows, the tokens of its server, and the name that events carry."""

import getpass
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from adapterhub.document import Document
from adapterhub.durable import replace
from adapterhub.errors import Corrupt
from adapterhub.regular import read_regular

__all__ = ["KnownBase", "Remote", "Role", "Settings", "Token", "TokenFacts", "home", "load", "save", "who"]

Role = Literal["read", "write", "admin"]
"""What a token may: read what is private; also publish and change; also delete, move and make public."""


class Remote(Document):
    """Another registry, by its URL."""

    url: Annotated[str, Field(min_length=1)]


class KnownBase(Document):
    """A base card of this store: what people call the base; where it lies on this machine, or which entry it is."""

    name: str = ""
    source: str = ""


class TokenFacts(Document):
    """What everybody may hear of a token: what it may, in which namespaces (none: in all), and until when."""

    name: Annotated[str, Field(min_length=1)]
    role: Role
    namespaces: tuple[str, ...] = ()
    created: str
    by: str = ""
    expires: str = ""
    revoked: str = ""

    def lives(self, moment: str) -> bool:
        """Whether it counts at a time, which is written as `now` writes it."""
        return not self.revoked and (not self.expires or moment < self.expires)


class Token(TokenFacts):
    """A token of this store's server.

    The token itself is told once and kept nowhere. Its sha256 is enough: it holds 256 random bits, so nobody can try
    all there are, and a slow hash would only slow the server.
    """

    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Settings(Document):
    """What a store remembers about its surroundings. Never pushed."""

    remotes: dict[str, Remote] = {}
    bases: dict[str, KnownBase] = {}  # by the card's hex digest
    tokens: dict[str, Token] = {}  # by their id
    user: str = ""


def home() -> Path:
    """Where the store lies when nobody says so: `ADAPTERHUB_HOME`, else the platform's data folder."""
    if path := os.environ.get("ADAPTERHUB_HOME"):
        return Path(path).expanduser()
    from platformdirs import user_data_path

    return user_data_path("adapterhub")


def load(store: Path) -> Settings:
    """The settings of a store; empty ones where there are none yet."""
    path = store / "settings.json"
    try:
        return Settings.from_bytes(read_regular(path), str(path))
    except FileNotFoundError:
        return Settings()
    except Corrupt as error:
        hint = f"correct {path} by hand, or move it away: then give remotes and bases their names again"
        raise Corrupt(str(error), hint=hint) from None


def save(store: Path, settings: Settings) -> None:
    replace(store / "settings.json", settings.to_bytes() + b"\n")


def who(settings: Settings) -> str:
    """The name events and versions carry: `ADAPTERHUB_USER`, the settings' user, else the login name."""
    if name := os.environ.get("ADAPTERHUB_USER") or settings.user:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
