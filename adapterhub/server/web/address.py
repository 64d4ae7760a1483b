"""Where each page is, below the path that clients reach this server at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final
from urllib.parse import quote, urlencode, urlsplit

from adapterhub.digest import Digest
from adapterhub.reference import Reference, parse

__all__ = ["Addresses", "is_local"]


@final
@dataclass(frozen=True)
class Addresses:
    """The addresses of a server's pages; `root` is the path of its public URL, without a slash at its end."""

    root: str = ""

    @classmethod
    def of(cls, public_url: str) -> "Addresses":
        """Those of a server that is reached at this URL.

        >>> Addresses.of("https://example.org/hub/").adapter("ada/poet")
        '/hub/ada/poet'
        """
        return cls(urlsplit(public_url).path.rstrip("/"))

    def search(self, question: Mapping[str, str] | None = None, **words: str) -> str:
        """The list, with a question.

        >>> Addresses().search({"q": "poet"}, tag="a & b", base="")
        '/?q=poet&tag=a+%26+b'
        """
        asked = {key: value for key, value in {**(question or {}), **words}.items() if value}
        return f"{self.root}/" + (f"?{urlencode(asked)}" if asked else "")

    def adapter(self, name: object) -> str:
        return f"{self.root}/{name}"

    def version(self, reference: str) -> str:
        """The page of one version."""
        found: Reference = parse(reference)
        return self.tree(found.name, found.pin or "main")

    def tree(self, name: object, revision: str, path: str = "") -> str:
        return self._below("tree", name, revision, path)

    def blob(self, name: object, revision: str, path: str) -> str:
        return self._below("blob", name, revision, path)

    def resolve(self, name: object, revision: str, path: str) -> str:
        return self._below("resolve", name, revision, path)

    def commits(self, name: object, revision: str) -> str:
        return self._below("commits", name, revision, "")

    def bases(self) -> str:
        return f"{self.root}/bases"

    def base(self, card: Digest | str) -> str:
        return f"{self.root}/bases/{card.hex if isinstance(card, Digest) else card.removeprefix('sha256:')}"

    def static(self, file: str, stamp: str) -> str:
        return f"{self.root}/static/{file}?v={stamp}"

    def login(self, back: str = "") -> str:
        """Where a browser asks for a token; `back` is the page it shows then."""
        return f"{self.root}/login" + (f"?{urlencode({'next': back})}" if back else "")

    def _below(self, kind: str, name: object, revision: str, path: str) -> str:
        return f"{self.root}/{name}/{kind}/{quote(revision, safe='')}" + (f"/{quote(path)}" if path else "")


def is_local(address: str) -> bool:
    """Whether an address is a path of this server, and nothing that a browser takes for another's.

    >>> is_local("/ada/poet"), is_local("//evil.example"), is_local("/\\\\evil.example"), is_local("https://evil.example")
    (True, False, False, False)
    """
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return plain and address.startswith("/") and not address.startswith("//")
