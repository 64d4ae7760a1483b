"""The benchmarks run, at sizes that prove nothing but that they do; no time is asserted anywhere."""

import pytest

from benchmarks import memory, moving, searching, start
from benchmarks.__main__ import PARTS, main
from benchmarks.row import Row, interleaved, table


def test_a_ratio_is_held_against_its_aim():
    assert Row("x", 3.0, "s", 2.0, "y", 1.5).met == "yes"
    assert Row("x", 3.1, "s", 2.0, "y", 1.5).met == "no"
    assert Row("x", 200.0, "MB", aim=150.0).met == "no"
    assert Row("x", 3.0, "s").met == ""


def test_steps_take_turns_and_the_median_counts():
    order: list[str] = []
    answers = iter([9.0, 1.0, 5.0, 2.0])
    took = interleaved(
        3, {"a": lambda: order.append("a") or next(answers), "b": lambda: order.append("b") or 0.0}, warmup=1
    )
    assert order == ["a", "b"] * 4
    assert took == {"a": 2.0, "b": 0.0}


def test_the_table_says_what_was_missed():
    assert table([Row("add", 2.0, "s", 1.0, "cp", 1.5)]).splitlines()[-1] == (
        "| add | 2.000 s | 1.000 s (cp) | 2.00 | ≤ 1.5× | no |"
    )


def test_starting_is_measured(tmp_path):
    assert [row.peer is not None for row in start.measure(tmp_path, runs=1)] == [True, True]


def test_moving_is_measured_and_both_sides_do_the_same(tmp_path):
    rows = moving.measure(tmp_path, runs=1, megabytes=1)
    assert all(row.got > 0 and row.peer for row in rows)
    assert (tmp_path / "team" / "registry.json").exists()


def test_searching_is_measured(tmp_path):
    rows = searching.measure(tmp_path, runs=1, entries=5)
    assert {row.unit for row in rows} == {"s"}
    assert len(list((tmp_path / "store-5" / "names").glob("*/*/versions/*"))) == 5


def test_memory_is_measured(tmp_path):
    assert all(0 < row.got < 10_000 for row in memory.measure(tmp_path, megabytes=2))


def test_every_part_can_be_run_alone(capsys):
    main(["--only", "memory", "--large", "2"])
    assert "peak resident memory" in capsys.readouterr().out
    assert set(PARTS) == {"start", "moving", "search", "memory"}


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit) as refusal:
        main(["--only", "nonsense"])
    assert refusal.value.code == 2
