"""The tokens of a store, as a running server knows them: read again whenever settings.json is another file."""

import hmac
import threading
from typing import final

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.settings import Token
from adapterhub.store.shelf import now
from adapterhub.store.store import Store
from adapterhub.verbs.tokens import PREFIX

__all__ = ["Keyring"]

Stamp = tuple[int, int, int]


@final
class Keyring:
    """Who a token belongs to. Any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._tokens: dict[str, Token] = {}

    def find(self, text: str) -> tuple[str, Token] | None:
        """The id of a token and what it may; None where there is no such token, or no longer."""
        id, token = self._held(text)
        return (id, token) if token and token.lives(now()) else None

    def ended(self, text: str) -> str:
        """When a token ended that was one; for who holds it, as nobody else has the whole of it."""
        _, token = self._held(text)
        return min(filter(None, (token.revoked, token.expires)), default="") if token else ""

    def _held(self, text: str) -> tuple[str, Token | None]:
        id = text.removeprefix(f"{PREFIX}_").partition("_")[0]
        token = self._read().get(id)
        # Compared in constant time, also where there is no such id.
        good = hmac.compare_digest(Digest.of(text.encode()).hex, token.hash if token else "0" * 64)
        return id, token if good else None

    def living(self, id: str) -> Token | None:
        """The token with an id, if it counts now."""
        token = self._read().get(id)
        return token if token and token.lives(now()) else None

    def _read(self) -> dict[str, Token]:
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                # Nobody is let in by what can no longer be read.
                self._tokens, self._stamp = {}, None
                self._tokens = self._store.settings.tokens
                self._stamp = stamp
            return self._tokens

    def _look(self) -> Stamp:
        try:
            found = (self._store.root / "settings.json").stat()
        except FileNotFoundError:
            return (0, 0, 0)
        except NotADirectoryError as error:
            raise AdapterHubError(f"{self._store.root}: no folder any more") from error
        return (found.st_ino, found.st_mtime_ns, found.st_size)
