"""The grammar of references: what a person writes to name an entry.

    reference := [ remote ":" ] namespace "/" name [ "@" pin ]
    pin       := version | alias | digest          without a pin: the newest version
    digest    := "sha256:" at least 8 hex digits
    remote, namespace, name := [A-Za-z0-9] [A-Za-z0-9._-]{0,95}      without ".." or "--"

    team:ada/poet@1.2.0
    ──── ─── ──── ─────
    remote  │ name  pin
        namespace

A word that begins with `/`, `./`, `../` or `~` is a folder; every other word is a reference, even where a folder of
that name exists.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from adapterhub.errors import BadReference
from adapterhub.version import is_label

__all__ = ["Name", "Reference", "check_name", "folder_or_reference", "home_path", "is_folder", "parse"]

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
PARTIAL_DIGEST = re.compile(r"sha256:[0-9a-f]{8,64}")
HINT = (
    "write [remote:]namespace/name[@version, alias or sha256:…], for example ada/poet or team:ada/poet@1.2.0; "
    "a folder begins with / ./ ../ or ~"
)
WORDS = "write letters and digits, with . _ or - between them: 96 at most, no slash, no space"


def check_name(text: str, what: str, whole: str | None = None) -> str:
    """The same word if it can be a remote, a namespace or a name; else `BadReference`. `whole` is where it stood."""
    if not WORD.fullmatch(text) or ".." in text or "--" in text:
        if whole is None:
            raise BadReference(f"{text!r} is not a {what}", hint=WORDS)
        raise BadReference(f"cannot read the reference {whole!r}: {text!r} is not a {what}", hint=HINT)
    return text


@dataclass(frozen=True, order=True)
class Name:
    """An adapter: what all versions share."""

    namespace: str
    name: str

    def __post_init__(self) -> None:
        check_name(self.namespace, "namespace")
        check_name(self.name, "name")

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def at(self, pin: str) -> "Reference":
        return Reference(self, pin)


@dataclass(frozen=True)
class Reference:
    """A parsed reference. One that exists is well formed; whether it names something is for a registry to say."""

    name: Name
    pin: str | None = None
    remote: str | None = None

    @property
    def is_digest(self) -> bool:
        return self.pin is not None and self.pin.startswith("sha256:")

    def at(self, pin: str) -> "Reference":
        """The same name with another pin."""
        return replace(self, pin=pin)

    def here(self) -> "Reference":
        """The same reference without its remote."""
        return replace(self, remote=None)

    def __str__(self) -> str:
        remote = f"{self.remote}:" if self.remote else ""
        return f"{remote}{self.name}" + (f"@{self.pin}" if self.pin else "")


def parse(text: str) -> Reference:
    """Read a reference.

    >>> parse("team:ada/poet@1.2.0")
    Reference(name=Name(namespace='ada', name='poet'), pin='1.2.0', remote='team')
    """
    bare, at, pin = text.partition("@")
    remote, colon, path = bare.rpartition(":")
    namespace, slash, name = path.partition("/")
    if not slash:
        raise BadReference(f"cannot read the reference {text!r}: there is no '/' in it", hint=HINT)
    if colon:
        check_name(remote, "remote", text)
    return Reference(
        Name(check_name(namespace, "namespace", text), check_name(name, "name", text)),
        _pin(pin, text) if at else None,
        remote if colon else None,
    )


def _pin(pin: str, text: str) -> str:
    if not (PARTIAL_DIGEST.fullmatch(pin) if pin.startswith("sha256:") else is_label(pin)):
        raise BadReference(f"cannot read the reference {text!r}: {pin!r} is no version, alias or digest", hint=HINT)
    return pin


def is_folder(word: str) -> bool:
    """Whether a word on the command line is a folder and not a reference.

    >>> is_folder("./run3"), is_folder("runs/3")
    (True, False)
    """
    return word in (".", "..") or word.startswith(("/", "./", "../", "~"))


def folder_or_reference(word: str) -> Path | Reference:
    """What a word names, by its first characters alone."""
    return home_path(word) if is_folder(word) else parse(word)


def home_path(word: str | Path) -> Path:
    """The path a word means, `~` being a home folder; an empty word means none."""
    if not str(word):
        raise BadReference("the path is an empty word", hint="is a variable unset? The folder one stands in is .")
    try:
        return Path(word).expanduser()
    except (RuntimeError, ValueError):  # a zero byte, half a surrogate pair
        raise BadReference(f"{word}: there is no such user", hint="~ is your home folder, ~ada that of ada") from None
