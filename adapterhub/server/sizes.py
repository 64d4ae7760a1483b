"""How many bytes the body of a request may have: what is asked is short, what is sent goes to a disk as it comes.

A question is read into memory, and before its route knows who asks. So without a token it is very short.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.server.settings import Serving

__all__ = ["COMMIT", "LISTS", "QUESTION", "STRANGER", "XORB", "Most", "largest"]


class Most(NamedTuple):
    """Bytes a body may have, and what to do with more."""

    size: int
    hint: str

    def refusal(self) -> TooLarge:
        """What to say of a body with more."""
        return TooLarge(f"a body of more than {self.size} bytes, which is the most here", hint=self.hint)


STRANGER = Most(256 << 10, "send a token: without one a question has at most so many")
"""A question of somebody without a token: a thousand of them fit into memory."""

QUESTION = Most(1 << 20, "ask for less at once")
"""A question."""

LISTS = Most(8 << 20, "ask about fewer files at once")
"""A question about many files, as clients ask it before they send them."""

COMMIT = Most(256 << 20, "send several commits, and large files before them, by LFS or Xet")
"""A commit: its small files travel in it, four thirds of their size."""

XORB = Most(80 << 20, "a xorb has 64 MiB of chunks, a shard as much, at most")
"""Chunks or a shard, with room for a client that counts otherwise: the ingest knows more exactly."""

STREAMED = (
    (re.compile(r"/api/[a-z]+/[^/]+/[^/]+/commit/[^/]+"), COMMIT),
    (re.compile(r"/cas/.+"), XORB),
)
"""Routes that look who sends before they take a body, and hold none in memory."""

FILES = re.compile(r"/[^/]+/[^/]+\.git/info/lfs/objects/[0-9a-f]{64}(/parts/[0-9]+)?")
MANY = re.compile(r"/[^/]+/[^/]+\.git/info/lfs/objects/batch|/api/models/[^/]+/[^/]+/preupload/[^/]+")


def largest(path: str, serving: Serving, known: Callable[[], bool]) -> Most:
    """What the body of a request may have; `known` tells whether its sender shows a token that counts."""
    if FILES.fullmatch(path):
        return Most(serving.largest, "`serve --largest` sets how large a file may be")
    for pattern, most in STREAMED:
        if pattern.fullmatch(path):
            return most
    if not known():
        return STRANGER
    return LISTS if MANY.fullmatch(path) else QUESTION
