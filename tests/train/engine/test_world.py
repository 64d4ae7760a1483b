"""Two processes and one come to the same; whatever befalls one of them, all hear of it."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from adapterhub.train.engine.world import ALONE, join

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What everybody found: [the one], [the first of two, the second of two]."""
    folder = tmp_path_factory.mktemp("workers")
    module = ["-m", "tests.train.engine.workers", str(folder)]
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    for words in ([sys.executable, *module], [*run, *module]):
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
    read = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    return [read["1-0"]], [read["2-0"], read["2-1"]]


def near(a, b, rel):
    """Whether lists of numbers under names are equal, measured against the largest."""
    assert a.keys() == b.keys()
    most = max(abs(value) for one in a.values() for value in one)
    return all(abs(x - y) <= rel * most for name in a for x, y in zip(a[name], b[name], strict=True))


@pytest.mark.parametrize("micro", ["16", "4", "3"])
def test_the_gradient_of_a_step_is_the_same_for_one_process_and_two(told, micro):
    (one,), two = told
    wanted = one["gradients"]["16"]
    for process in (one, *two):
        found = process["gradients"][micro]
        assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-6)
        assert found["norm"] == pytest.approx(wanted["norm"], rel=1e-6)
        assert found["count"] == wanted["count"]
        assert near(found["grads"], wanted["grads"], 1e-6)
    assert two[0]["gradients"][micro] == two[1]["gradients"][micro]


def test_a_process_with_nothing_to_do_in_a_step_changes_nothing(told):
    (one,), two = told
    wanted = one["small_last_batch"]
    for process in two:
        assert near(process["small_last_batch"]["weights"], wanted["weights"], 1e-4)
        assert process["small_last_batch"]["losses"] == pytest.approx(wanted["losses"], rel=1e-4)
    assert two[0]["small_last_batch"]["weights"] == two[1]["small_last_batch"]["weights"]


def test_a_part_comes_to_the_same_in_every_process(told):
    (one,), two = told
    assert two[0]["a_part"] == two[1]["a_part"]
    assert near(two[0]["a_part"]["weights"], one["a_part"]["weights"], 1e-3)


def test_where_one_process_is_short_of_memory_all_take_smaller_pieces(told):
    (one,), two = told
    assert [process["short_of_memory"]["micro"] for process in two] == [2, 2]
    assert two[0]["short_of_memory"]["seen"][:7] == [8, 4, 4, 2, 2, 2, 2]
    assert two[1]["short_of_memory"]["seen"][:6] == [8, 4, 2, 2, 2, 2]
    assert two[0]["short_of_memory"]["weights"] == two[1]["short_of_memory"]["weights"]
    assert near(two[0]["short_of_memory"]["weights"], one["short_of_memory"]["weights"], 1e-4)


def test_a_row_that_is_no_number_is_named_by_all(told):
    (one,), two = told
    wanted = f"the loss of step 1 is nan, by row {one['no_number']['bad']}"
    assert {process["no_number"]["told"] for process in (one, *two)} == {wanted}


def test_one_that_is_asked_to_stop_stops_all_after_the_same_step(told):
    (one,), two = told
    assert {process["stopped"]["told"] for process in (one, *two)} == {"stopped after step 2"}


def test_a_run_goes_on_everywhere_from_the_file_the_first_has(told):
    (one,), two = told
    assert [process["stopped"]["there"] for process in two] == [True, False]
    for process in (one, *two):
        assert process["stopped"]["going"] == process["stopped"]["whole"]


def test_a_checkpoint_of_another_run_is_told_to_all_with_its_hint(told):
    (one,), two = told
    for process in (one, *two):
        assert "the data is not what it was at the checkpoint: e then, d now" in process["another_run"]["told"]
        assert "--restart" in process["another_run"]["hint"]


def test_all_begin_with_the_weights_of_the_first(told):
    (one,), two = told
    assert two[0]["other_beginnings"] == two[1]["other_beginnings"]
    assert near(two[0]["other_beginnings"]["weights"], one["other_beginnings"]["weights"], 1e-4)


@pytest.mark.parametrize("frozen", [True, False])
def test_processes_that_train_apart_end_with_the_same_weights(told, frozen):
    (one,), two = told
    first, second = (process["apart"][f"frozen {frozen}"] for process in two)
    assert first == second
    assert first["weights"] != one["apart"][f"frozen {frozen}"]["weights"]


def test_parts_of_processes_that_trained_apart_remember_the_same(told):
    (one,), (first, second) = told
    assert first["parts_apart"] == second["parts_apart"]
    assert first["parts_apart"]["memory"] != one["parts_apart"]["memory"]


def test_averaging_loses_nothing_where_a_is_frozen_and_something_where_it_is_not(told):
    (one,), (first, _) = told
    assert first["apart"]["frozen True"]["gap"] == 0.0
    assert 0 < first["apart"]["frozen False"]["gap"] < math.inf
    assert one["apart"]["frozen False"]["gap"] == 0.0


def test_processes_that_train_apart_are_validated_where_they_meet(told):
    _, two = told
    assert [process["apart"]["frozen True"]["validated"] for process in two] == [[4, 8, 12, 16, 18]] * 2


def test_processes_that_train_apart_stop_where_they_meet_and_go_on_as_if_nothing_had_been(told):
    _, two = told
    for process in two:
        assert process["stopped_apart"]["told"] == "stopped after step 8"
        assert process["stopped_apart"]["weights"] == process["apart"]["frozen False"]["weights"]


def test_what_goes_wrong_in_one_goes_wrong_in_all_and_is_told_once_with_its_name(told):
    _, (first, second) = told
    told_first, told_second = first["one_is_wrong"], second["one_is_wrong"]
    assert told_first["told"].startswith("process 1 (")
    assert told_first["told"].endswith("rows.csv: no such file")
    assert told_second["told"] == "rows.csv: no such file"
    assert (told_first["hint"], told_second["hint"]) == ("look again", "look again")
    assert (told_first["elsewhere"], told_second["elsewhere"]) == (False, True)


def test_a_fault_of_the_first_is_its_own_and_known_to_all(told):
    _, (first, second) = told
    assert first["the_first_is_wrong"]["kind"] == "ZeroDivisionError"
    assert second["the_first_is_wrong"] == {"kind": "AdapterHubError", "told": _zero(first)}


def _zero(process):
    return f"ZeroDivisionError: {process['the_first_is_wrong']['told']}"


def test_of_processes_that_train_apart_one_that_goes_wrong_ends_all_where_they_meet(told):
    _, (first, second) = told
    assert "the loss of step 6 is nan" in first["one_is_no_number"]["told"]
    assert first["one_is_no_number"]["told"].startswith("process 1 (")
    assert second["one_is_no_number"]["told"].startswith("the loss of step 6 is nan")
    assert [process["one_is_no_number"]["steps"] for process in (first, second)] == [7, 7]


def test_one_that_cannot_hold_one_example_ends_all(told):
    _, (first, second) = told
    assert first["one_example_is_too_much"]["told"] == "memory: one example is too much in step 1"
    assert second["one_example_is_too_much"]["told"] == "memory: one example is too much in step 1: out of memory"
    assert second["one_example_is_too_much"]["elsewhere"]


def test_without_torchrun_one_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join() is ALONE
    assert ALONE.first
    assert ALONE.collect("x") == ["x"]
    assert ALONE.of_first(lambda: "x") == "x"
    assert ALONE.any(True, False) == [True, False]
    assert ALONE.each(lambda: "x") == "x"
