"""A finding: something worth knowing about an entry or a pair, said in a form people and machines can read."""

from typing import Literal

from adapterhub.document import Document

__all__ = ["Finding", "Severity"]

Severity = Literal["error", "warning", "info"]


class Finding(Document):
    """What was found, how bad it is, where, and what to do about it."""

    check: str
    severity: Severity
    place: str = ""
    message: str = ""
    remedy: str = ""
