"""Pins that contradict each other."""

import pytest

from adapterhub.base.pins import contradictions
from adapterhub.manifest import BasePin

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def pin(weights: str | None = None, layout: str | None = None) -> BasePin:
    return BasePin(evidence="bytes", weights_digest=weights, layout_digest=layout)


@pytest.mark.parametrize(
    ("manifest", "note"),
    [(None, None), (pin(ONE), None), (None, pin(ONE)), (pin(ONE), pin(ONE)), (pin(ONE, TWO), pin()), (pin(), pin(ONE))],
)
def test_what_is_not_said_twice_contradicts_nothing(manifest: BasePin | None, note: BasePin | None) -> None:
    assert list(contradictions(manifest, note)) == []


def test_other_weights_say_more_than_another_layout() -> None:
    (found,) = contradictions(pin(ONE, ONE), pin(TWO, TWO))
    assert (found.check, found.severity) == ("pin-contradicted", "warning")
    assert f"{ONE}, not {TWO}" in found.message
    (layout,) = contradictions(pin(ONE, ONE), pin(ONE, TWO))
    assert f"{ONE}, not {TWO}" in layout.message
