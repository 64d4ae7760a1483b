"""What the audit answers for one adapter and one base."""

from typing import Any, Literal

from pydantic import PrivateAttr

from adapterhub.base.card import Card
from adapterhub.document import Document
from adapterhub.finding import Finding

__all__ = ["VERDICTS", "BaseName", "Deep", "Measured", "Mismatch", "Report", "Verdict", "by", "good_enough"]

Verdict = Literal["exact", "cast", "unpinned", "drifted", "partial", "misfit"]

VERDICTS: dict[Verdict, str] = {
    "exact": "the targeted tensors are byte for byte those it was trained on",
    "cast": "the same tensors in another precision",
    "unpinned": "every target is there with the right shape; no digests say whether it is the same base",
    "drifted": "the shapes fit, the weights are not those it was trained on",
    "partial": "some targets fit, some are missing or have another shape",
    "misfit": "no target fits",
}
"""Best first."""


def good_enough(verdict: Verdict, required: Verdict) -> bool:
    """Whether a verdict is at least as good as the required one.

    >>> good_enough("unpinned", "drifted"), good_enough("partial", "drifted")
    (True, False)
    """
    order = list(VERDICTS)
    return order.index(verdict) <= order.index(required)


def by(shape: tuple[int, ...]) -> str:
    """A shape as people write it.

    >>> by((4, 8)), by((4, -1)), by(())
    ('4×8', '4×?', 'one number')
    """
    return "×".join("?" if size < 0 else str(size) for size in shape) or "one number"


class BaseName(Document):
    """Which base a report is about."""

    name: str
    source: str | None = None
    model_type: str | None = None
    layout_digest: str
    weights_digest: str | None = None

    @classmethod
    def of(cls, card: Card) -> "BaseName":
        return cls.model_validate({field: getattr(card, field) for field in cls.model_fields})


class Mismatch(Document):
    """A module that is there with another shape; both as (out, in), the base's as the adapter would see it."""

    module: str
    adapter: tuple[int, ...]
    base: tuple[int, ...]


class Measured(Document):
    """The update of one module in numbers: ‖ΔW‖, the same beside ‖W‖, and the rank it would do with.

    None for what could not be told.
    """

    module: str
    rank: int | None = None
    effective_rank: float | None = None
    norm: float | None = None
    relative_norm: float | None = None


class Deep(Document):
    """What the values say, where they were read."""

    modules: tuple[Measured, ...] = ()


class Report(Document):
    """The fit of one adapter on one base.

    `evidence` is what pins the adapter to a base: bytes, files, revision, name, or none. `naming` is the rule under
    which the adapter's modules were found. `missing` and `drifted` use the adapter's names of modules, `unexpected`
    are saved tensors the base has not. `deep` is there when the values were read.
    """

    adapter: str
    digest: str | None = None
    base: BaseName
    verdict: Verdict
    evidence: Literal["bytes", "files", "revision", "name", "none"]
    naming: str = "identity"
    matched: int
    missing: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    mismatched: tuple[Mismatch, ...] = ()
    unexpected: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    deep: Deep | None = None

    _fits: tuple[str, ...] = PrivateAttr(default=())

    @property
    def fits(self) -> tuple[str, ...]:
        """The modules that are there with the right shape. JSON has their count alone: there may be thousands."""
        return self._fits

    def with_fits(self, modules: tuple[str, ...]) -> "Report":
        """The same report, which knows the modules by name."""
        self._fits = modules
        return self

    def of(self, adapter: str, digest: str) -> "Report":
        """The same report about an adapter that fits as this one does.

        It shares all it can: a matrix has a hundred thousand, and copying each as pydantic does takes most of its time.
        """
        twin = Report.__new__(Report)
        object.__setattr__(twin, "__dict__", {**self.__dict__, "adapter": adapter, "digest": digest})
        for shared in ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
            object.__setattr__(twin, shared, getattr(self, shared))
        return twin

    def plain(self) -> dict[str, Any]:
        """All fields: an empty list is an answer here."""
        return self.model_dump(mode="json")
