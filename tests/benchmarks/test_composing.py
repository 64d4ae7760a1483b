"""Every part of composing runs on a tiny model, its results agree with peft's, and its table is filled."""

import importlib

import pytest

from benchmarks.composing import part
from benchmarks.composing.scene import NAMES, Scene, Shape, build
from benchmarks.measure import Row, apart, interleaved
from benchmarks.report import COMPOSING, page

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
TINY = Shape(layers=2, hidden=32, inner=48, heads=4, kv=2, vocabulary=40)


@pytest.fixture
def here(monkeypatch):
    """Everything in this process, and a crowd of three."""
    for module in ("scene", "answering", "part"):
        monkeypatch.setattr(importlib.import_module(f"benchmarks.composing.{module}"), "CROWD", 3)

    def call(place, *words):
        module, name = place.split(":")
        return getattr(importlib.import_module(module), name)(*words)

    monkeypatch.setattr(part, "apart", call)


@pytest.mark.parametrize("name", part.PARTS)
def test_a_part_is_measured_beside_its_peers(here, tmp_path, name):
    rows = part.measure(tmp_path, TINY, 1, [name])
    assert {row.part for row in rows} == {name}
    assert rows.pop().what == f"load at the end of {name}"
    assert all(row.ours > 0 for row in rows)
    assert all(row.beside for row in rows if row.peer)
    assert any(row.ratio for row in rows)


def test_a_merge_and_a_fuse_that_are_timed_give_what_peft_gives(here, tmp_path):
    found = {row.what.split(":")[0].split(",")[0]: row for row in part.measure(tmp_path, TINY, 1, ["merge", "fuse"])}
    assert found["svd"].ours < 1e-4
    off = found["rounding error of the change"]
    assert off.peer
    assert off.ours <= off.peer < 0.1


def test_the_base_and_the_adapters_are_what_they_say(here, tmp_path):
    from benchmarks.composing.merging import adapters
    from benchmarks.composing.models import base_model

    scene = Scene(tmp_path, TINY)
    build(*scene.words)
    model = base_model(scene)
    assert len(list(scene.base.glob("*.safetensors"))) > 1
    found = adapters(scene)
    assert [next(iter(one.deltas.values())).rank for one in found] == [16, 16, 8, 32]
    for one in found:
        assert all(model.get_submodule(name).weight.shape == delta.shape for name, delta in one.deltas.items())
    assert {len(one.deltas) for one in found} == {7 * TINY.layers}
    assert len(NAMES) == 4


def test_a_function_answers_from_a_process_of_its_own():
    assert apart("math:gcd", 12, 18) == 6


def test_what_is_done_after_a_deed_is_not_measured():
    done: list[str] = []
    interleaved({"a": lambda: done.append("a")}, 1, lambda: done.append("after"))
    assert done == ["a", "after"] * 2


def test_the_page_of_composing_shows_small_ratios_and_errors():
    rows = [Row("merge", "svd", 1.0, peer=400.0, beside="peft"), Row("merge", "apart", 2e-6, "")]
    text = page(COMPOSING, rows, (0.1, 0.2))
    assert "| svd | 1.000 s | peft | 400 s | 0.0025 |  |" in text
    assert "| apart | 2.0e-06 |" in text
