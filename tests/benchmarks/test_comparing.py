"""Comparing is measured over few and many, beside dense arithmetic."""

import pytest

from benchmarks import comparing
from benchmarks.composing.scene import Shape

pytestmark = pytest.mark.slow


def test_comparing_is_measured_over_few_and_many(tmp_path, monkeypatch):
    monkeypatch.setattr(comparing, "COUNTS", (2, 3))
    monkeypatch.setattr(comparing, "apart", lambda place, *words: getattr(comparing, place.split(":")[1])(*words))
    rows = comparing.measure(tmp_path, Shape(layers=1, hidden=64, inner=96))
    assert [row.what.split(",")[1] for row in rows if row.ratio] == [" 2 adapters of rank 16", " 3 adapters of rank 16"]
    assert all(row.ours > 0 for row in rows)
