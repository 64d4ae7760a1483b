"""Hashes as Xet spells them: 32 bytes are four little-endian numbers, and the hex digits are those of the numbers.

Source: https://huggingface.co/docs/xet/hashing, on hashes as strings. The sha256 in a shard is turned round so too.
"""

import re

from adapterhub.errors import BadReference

__all__ = ["SIZE", "check_hash", "spelled"]

SIZE = 32
"""Bytes of a hash."""


def spelled(raw: bytes) -> str:
    """The 64 hex digits of 32 bytes: each group of eight is read backwards.

    >>> spelled(bytes(range(32)))[:34]
    '07060504030201000f0e0d0c0b0a090817'
    """
    return b"".join(raw[at : at + 8][::-1] for at in range(0, SIZE, 8)).hex()


def check_hash(text: str) -> str:
    """The same text; `BadReference` unless it is a hash as a URL has it, 64 hex digits."""
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise BadReference(f"not a xorb's hash: {text[:80]!r}", hint="64 hex digits name a xorb")
    return text
