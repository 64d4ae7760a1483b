"""Auditing is measured beside PEFT, and the matrix over a real store."""

import json

import pytest

from benchmarks import auditing
from benchmarks.composing.scene import Shape
from benchmarks.measure import run

pytestmark = pytest.mark.slow


def test_a_pair_and_the_matrix_are_measured(tmp_path):
    rows = auditing.measure(tmp_path, Shape(layers=1, hidden=64, inner=96), 70, 1)
    assert all(row.ours > 0 for row in rows)
    assert [row.beside.split(",")[0] for row in rows if row.ratio] == [
        "PeftModel.from_pretrained", "--help", "PeftModel.from_pretrained",
    ]  # fmt: skip
    assert [row.what for row in rows if "700 reports" in row.what]


def test_every_adapter_of_the_matrix_fits_one_base_and_half_are_pinned(tmp_path):
    auditing.fill(str(tmp_path), 130)
    reports = json.loads(run(auditing.ours("audit", "--require", "misfit", "--json", "--store", tmp_path / "store")))
    verdicts = [report["verdict"] for report in reports]
    assert {word: verdicts.count(word) for word in set(verdicts)} == {"exact": 60, "unpinned": 70, "misfit": 1170}
    assert {found["check"] for report in reports for found in report["findings"]} <= {"shape", "misread"}
