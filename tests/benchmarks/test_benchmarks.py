"""Every part of the benchmarks runs, measures what it says, and fills its table. No time is judged."""

import platform
import sys

import pytest

from adapterhub.base.hashing import threads
from benchmarks import bases, copying, memory, searching, starting
from benchmarks.__main__ import PARTS, main, read
from benchmarks.measure import Row, interleaved, peak
from benchmarks.report import KEEPING, page

pytestmark = pytest.mark.slow


def test_starting_is_measured_beside_hf(tmp_path):
    rows = starting.measure(tmp_path, 1)
    assert [row.what for row in rows] == ["adapterhub --help", "adapterhub show"]
    assert all(row.ratio and row.beside == "hf --help" for row in rows)


def test_add_and_push_are_measured_beside_a_copy(tmp_path):
    rows = copying.measure(tmp_path, 1 << 20, 1)
    assert [row.what.split()[0] for row in rows] == ["add", "push", "add", "push"]
    assert all(row.ratio for row in rows)


def test_search_is_measured_over_few_and_many(tmp_path, monkeypatch):
    monkeypatch.setattr(searching, "SMALL", 20)
    rows = searching.measure(tmp_path, 60, 1)
    assert {row.what.partition(" over ")[2].split(",")[0] for row in rows if row.ratio} == {"60"}


def test_the_store_search_is_measured_over_is_a_real_one(tmp_path):
    searching.fill(tmp_path / "store", 40)
    found, count = searching.child(tmp_path / "store", "search", {"where": "rank>=16 and accuracy>=0"})
    assert count == 10
    assert found > 0


def test_hashing_a_base_is_measured_beside_sha256sum(tmp_path, monkeypatch):
    monkeypatch.setattr(bases, "HIDDEN", 8)
    monkeypatch.setattr(bases, "SHAPES", {"self_attn.q_proj": (8, 8), "input_layernorm": (8,)})
    rows = bases.measure(tmp_path, 1 << 10, 1)
    assert [row.beside for row in rows if row.ratio][:2] == ["`sha256sum`", f"`sha256sum`, {threads()} at once"]
    assert {row.what.split()[0] for row in rows} == {"BF16", "F32", "the", "a"}


def test_memory_is_that_of_the_process_and_not_of_this_one(tmp_path):
    held = b"held" * 50_000_000
    rows = memory.measure(tmp_path, 4_000_000)
    assert len(rows) == 2
    assert all(row.ours < len(held) / 1e6 for row in rows)


def test_the_peak_of_a_process_that_holds_much_is_seen():
    assert peak([sys.executable, "-c", "held = bytearray(200_000_000)"]) > 200


def test_the_median_of_interleaved_runs_counts_every_deed_once_more_than_it_is_measured():
    done: list[str] = []
    took = interleaved({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, 3)
    assert done == ["a", "b"] * 4
    assert took.keys() == {"a", "b"}


def test_the_page_shows_ratios_and_no_name_of_a_machine():
    text = page(KEEPING, [Row("copy", "add", 1.0, peer=2.0, beside="cp", aim="1.5")], (0.1, 0.2))
    assert "| add | 1.000 s | cp | 2.000 s | 0.50 | 1.5 |" in text
    assert f" {platform.node()}" not in text


def test_one_part_alone_is_printed_and_not_written(tmp_path, capsys):
    main(["--only", "memory", "--memory-size", "1000000", "--folder", str(tmp_path)])
    assert "peak memory" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_every_part_can_be_asked_for():
    assert read([word for name in PARTS for word in ("--only", name)]).only == list(PARTS)
