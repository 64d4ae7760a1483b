"""Signed links: what a request may do without a token, for a while, and nothing else.

link := base64url(canonical JSON) "." base64url(HMAC-SHA256(secret, purpose NUL JSON))

The JSON says everything the link is for, and when it ends; whoever takes one compares that with what is asked.
"""

import base64
import binascii
import hmac
import json
import secrets
import stat
import time
from typing import Any, final

from adapterhub.document import canonical
from adapterhub.durable import beside, commit_new
from adapterhub.errors import Corrupt, Refused
from adapterhub.protocols.hf_hub.answers import AccessDenied
from adapterhub.regular import read_regular
from adapterhub.store.store import Store

__all__ = ["Links"]

FILE = ".server-key"
BYTES = 32
LONGEST = 4096


@final
class Links:
    """Makes and reads links with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Links(…)"

    @classmethod
    def of(cls, store: Store) -> "Links":
        """With the secret of a store, made where there is none: links outlive the server that made them."""
        path = store.root / FILE
        if not path.exists():
            store.create()
            try:
                with beside(store.root, 0o600) as (stream, made):
                    stream.write(secrets.token_bytes(BYTES))
                    commit_new(stream, made, path)
            except FileExistsError:
                pass
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Refused(f"{path}: others may read the server's secret", hint=f"chmod 600 {path}, or delete it")
        secret = read_regular(path, BYTES)
        if len(secret) != BYTES:
            raise Corrupt(f"{path}: {len(secret)} bytes, wanted {BYTES}", hint="delete it: the server makes another")
        return cls(secret)

    def sign(self, purpose: str, facts: dict[str, Any], seconds: float) -> str:
        """A link for one purpose that says these facts, until it ends."""
        said = canonical({**facts, "until": int(time.time() + seconds)})
        return f"{_text(said)}.{_text(self._mark(purpose, said))}"

    def read(self, purpose: str, link: str) -> dict[str, Any]:
        """The facts of a link; `AccessDenied` where it is not one of ours for this purpose, or has ended."""
        head, dot, tail = link[:LONGEST].partition(".")
        try:
            said, mark = _bytes(head), _bytes(tail)
        except (binascii.Error, ValueError):
            said, mark = b"", b""
        if not dot or not hmac.compare_digest(mark, self._mark(purpose, said)):
            raise AccessDenied("this link is none of this server's", hint="ask for a new one, as before an upload")
        facts: dict[str, Any] = json.loads(said)
        if facts.pop("until") < time.time():
            raise AccessDenied("this link has ended", hint="ask for a new one: begin the upload again")
        return facts

    def _mark(self, purpose: str, said: bytes) -> bytes:
        return hmac.new(self._secret, purpose.encode() + b"\0" + said, "sha256").digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
