"""How a server is run: what it takes, whom it lets in, how long it waits."""

import re
from dataclasses import dataclass
from typing import final

from adapterhub.errors import WrongUsage

__all__ = ["Serving", "parse_size"]

UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
PREFIX = re.compile(r"/_[A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*/?")
"""No namespace begins with an underscore."""
SIZE = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,3}))?\s*([KMGT]?B|)", re.IGNORECASE)


@final
@dataclass(frozen=True)
class Serving:
    """What holds for one run of a server. Sizes are bytes, times are seconds."""

    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    """Where clients reach it, if that is another place than where it listens."""
    largest: int = 5 * 1000**3
    """A file that is larger is refused before its first byte."""
    anonymous: bool = True
    """Whether those without a token may read what is public."""
    accelerated: str = ""
    """The prefix of X-Accel-Redirect, where an nginx in front sends the files itself; no namespace can be called so."""
    redirect: str = ""
    """The URL of a bucket that sends large files, in place of this server."""
    spare: int = 64 << 20
    """Bytes of the disk that uploads leave free: for what is small, and for what frees others."""
    part: int = 256 << 20
    """Larger files come in parts of this size from clients that can send parts."""
    link: float = 3600.0
    """How long a link lives at least; those for much live longer, so that a slow line brings it all."""
    head: float = 15.0
    """How long a connection may ask nothing."""
    idle: float = 60.0
    """How long a client may send or take nothing in the middle of a request."""
    slowest: int = 1024
    """Bytes a second that a body must bring on the average, after the first `idle` seconds."""
    finish: float = 30.0
    """How long a server that ends waits for requests in flight."""
    connections: int = 1000

    def __post_init__(self) -> None:
        if self.accelerated:
            _check_prefix(self.accelerated)
        if self.largest <= 0:
            raise WrongUsage(f"--largest {self.largest} takes no file", hint="write 5GB, for example")
        if self.accelerated and self.redirect:
            raise WrongUsage(
                "files are sent by nginx or by a bucket, not by both", hint="leave out --x-accel or --redirect"
            )
        if self.public_url and not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", self.public_url):
            raise WrongUsage(
                f"{self.public_url!r} is no address of a server", hint="write https://adapters.example.org"
            )


def _check_prefix(prefix: str) -> None:
    """A place that nginx keeps for itself: nobody's repositories may lie below it."""
    hint = "write /_blobs here, and `location /_blobs/` in nginx's configuration; docs/server.md has it in full"
    if not prefix.startswith("/"):
        raise WrongUsage(f"--x-accel {prefix}: a prefix begins with a slash", hint=hint)
    if not PREFIX.fullmatch(prefix):
        raise WrongUsage(
            f"--x-accel {prefix}: it hides the addresses of a namespace, or is no plain path; "
            "a prefix begins with a slash and an underscore",
            hint=hint,
        )


def parse_size(text: str) -> int:
    """Bytes that a person wrote.

    >>> parse_size("5GB"), parse_size("1.5 MB"), parse_size("300")
    (5000000000, 1500000, 300)
    """
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise WrongUsage(f"{text!r} is no size", hint="write a number and a unit, for example 500MB or 5GB")
    return round(float(f"{found[1]}.{found[2] or 0}") * UNITS[found[3].upper()])
