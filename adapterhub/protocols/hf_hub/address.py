"""What a word that begins with `hf:` names.

address  := "hf:" [ org "/" ] name [ "@" revision ] [ "#" path ]
revision := branch | tag | commit                 default: the branch the Hub calls main
path     := a folder of the repository, or a file in it
"""

import re
from dataclasses import dataclass
from typing import final

from adapterhub.errors import BadReference

__all__ = ["PREFIX", "Address", "is_address", "parse_address"]

PREFIX = "hf:"
GRAMMAR = re.compile(
    r"hf:(?P<repo>(?:\w[\w.-]*/)?\w[\w.-]*)(?:@(?P<revision>[^@#\s]+))?(?:#(?P<path>[^@#\s]+))?", re.ASCII
)


@final
@dataclass(frozen=True)
class Address:
    """A repository of models on a Hub, at a revision, and a place in it."""

    repo: str
    revision: str | None = None
    path: str = ""

    def at(self, revision: str | None) -> "Address":
        """The same place at another revision."""
        return Address(self.repo, revision, self.path)

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{PREFIX}{self.repo}{revision}" + (f"#{self.path}" if self.path else "")


def is_address(word: str) -> bool:
    """Whether a word speaks of a Hub."""
    return word.startswith(PREFIX)


def parse_address(text: str) -> Address:
    """Read an address.

    >>> parse_address("hf:gpt2@main")
    Address(repo='gpt2', revision='main', path='')
    """
    found = GRAMMAR.fullmatch(text)
    path = (found["path"] or "").strip("/") if found else ""
    if found is None or ".." in path.split("/"):
        raise BadReference(
            f"cannot read {text!r} as a place on a Hub", hint="write hf:[org/]name[@revision], for example hf:gpt2"
        )
    return Address(found["repo"], found["revision"], path)
