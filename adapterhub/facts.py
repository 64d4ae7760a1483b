"""Facts: what our parser derives from the files of an entry. A better parser may derive more; no digest changes."""

from typing import Any

from adapterhub.document import Document
from adapterhub.finding import Finding

__all__ = ["PARSER", "Facts"]

PARSER = 2
"""The parser's version: raise it when the same files give other facts, and cached facts are derived again."""


class Facts(Document):
    """What the files say. `rank` is the largest found in the tensors, `alpha` and `targets` are the config's."""

    format: str
    kind: str = "adapter"
    type: str | None = None
    rank: int | None = None
    ranks: dict[str, int] = {}  # rank as text -> how many modules have it
    alpha: float | None = None
    targets: tuple[str, ...] = ()
    modules: int | None = None
    dtype: str | None = None
    parameters: int | None = None
    base_name: str | None = None
    base_revision: str | None = None
    task: str | None = None
    details: dict[str, Any] = {}  # what only this format has: use_rslora, architectures, columns, rows …
    findings: tuple[Finding, ...] = ()
    parser: int = PARSER

    def base_called(self, source: object) -> str:
        """What people call the base: the pin's source; where that is a digest, rather the name the files give.

        >>> Facts(format="peft", base_name="ada/base").base_called("sha256:7ccc804f")
        'ada/base'
        """
        digest = str(source or "").startswith("sha256:")
        return str((self.base_name if digest else source) or source or self.base_name or "")

    @property
    def health(self) -> str:
        """One word: the first error's or warning's check, else ok."""
        return next((f.check for s in ("error", "warning") for f in self.findings if f.severity == s), "ok")
