"""Names of branches and tags, and the file names they have on disk.

A name is what git allows: `main`, `refs/pr/1`, `alias/prod`, `v1.0`; and every version label. On disk every name is one
file name that no disk folds, hides or follows: small letters, digits, `_`, `-` and `.` stand for themselves, a large
letter is `!` and the small one, every other byte of UTF-8 (and a `.` at the beginning) `%` and two hex digits.

    refs/pr/1      refs%2fpr%2f1
    Prod.v2        !prod.v2
"""

import re

from adapterhub.errors import BadReference
from adapterhub.version import is_label

__all__ = ["check_ref", "is_ref", "quote", "unquote"]

LONGEST = 255
"""Bytes a file name may have."""

FORBIDDEN = re.compile(r"[ ~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.(/|$)")
PLAIN = re.compile(r"[a-z0-9_.-]")
PIECE = re.compile(r"%[0-9a-f]{2}|![a-z]|[a-z0-9_.-]")


def _quoted(word: str) -> str:
    pieces = []
    for letter in word:
        if PLAIN.fullmatch(letter):
            pieces.append(letter)
        elif letter.isascii() and letter.isupper():
            pieces.append(f"!{letter.lower()}")
        else:
            pieces.extend(f"%{byte:02x}" for byte in letter.encode())
    return "".join(pieces)


def is_ref(word: str) -> bool:
    """Whether a word can name a branch or a tag: as git says, or as a version; and short enough for a file name.

    >>> is_ref("refs/pr/1"), is_ref("../main"), is_ref("a b")
    (True, False, False)
    """
    if is_label(word):
        return True
    if not word.isprintable() or FORBIDDEN.search(word):
        return False
    return word not in ("", "@") and word[0] not in "./-" and word[-1] != "/" and len(_quoted(word)) <= LONGEST


def check_ref(word: str, what: str) -> str:
    """The same word, or `BadReference`."""
    if not is_ref(word):
        raise BadReference(
            f"not a valid {what}: {word[:100]!r}",
            hint="a name git allows: no space, no '..', none of ~^:?*[\\, not too long; for example refs/pr/1",
        )
    return word


def quote(word: str) -> str:
    """The file name of a branch or a tag that is valid.

    >>> quote("refs/pr/1"), quote("Prod.v2")
    ('refs%2fpr%2f1', '!prod.v2')
    """
    return _quoted(check_ref(word, "branch or tag"))


def unquote(file_name: str) -> str | None:
    """The branch or tag with this file name; None where that is nobody's."""
    pieces = PIECE.findall(file_name)
    data = b"".join(
        bytes.fromhex(piece[1:])
        if piece[0] == "%"
        else piece[-1].upper().encode()
        if piece[0] == "!"
        else piece.encode()
        for piece in pieces
    )
    try:
        word = data.decode()
    except UnicodeDecodeError:
        return None
    return word if is_ref(word) and _quoted(word) == file_name else None
