"""Pins that contradict each other: the base in a manifest, and the one a later note speaks of."""

from collections.abc import Iterator

from adapterhub.finding import Finding
from adapterhub.manifest import BasePin

__all__ = ["contradictions"]

DIGESTS = ("weights_digest", "layout_digest")


def contradictions(pin: BasePin | None, noted: BasePin | None) -> Iterator[Finding]:
    """A warning where both name a digest and the two differ; the weights say more than their layout."""
    pairs = ((getattr(pin, name, None), getattr(noted, name, None)) for name in DIGESTS)
    pinned, later = next(((one, other) for one, other in pairs if one and other and one != other), (None, None))
    if pinned:
        yield Finding(
            check="pin-contradicted",
            severity="warning",
            place="base",
            message=f"the manifest pins another base than a later note: {pinned}, not {later}",
            remedy="the manifest counts; look at `adapterhub log` for who noted the other",
        )
