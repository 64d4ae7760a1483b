"""The micro-batch fits in its budget, in even parts, with few trials, whatever the machine answers."""

import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Refused
from adapterhub.train.resources.micro import find_micro, halved, is_out_of_memory

MB = 1_000_000


class Machine:
    """Answers with fixed + each·k, or as `answer` says, and remembers what it was asked."""

    def __init__(self, fixed=0, each=MB, answer=None):
        self.answer = answer or (lambda k: fixed + each * k)
        self.asked = []

    def __call__(self, size):
        self.asked.append(size)
        return self.answer(size)


def test_the_whole_batch_at_once_where_it_fits():
    found = find_micro(Machine(fixed=5 * MB), batch=32, budget=100 * MB)
    assert (found.size, found.parts, found.fixed, found.each) == (32, 1, 5 * MB, MB)


def test_the_parts_are_even():
    # 20 would fit; 32 = 20 + 12 takes as many passes as 16 + 16, and more memory.
    found = find_micro(Machine(), batch=32, budget=int(20 / 0.9 * MB) + 9)
    assert (found.size, found.parts) == (16, 2)


def test_a_tenth_of_the_budget_stays_free():
    assert find_micro(Machine(), batch=10, budget=10 * MB).peak <= 9 * MB


def test_what_is_chosen_was_tried():
    machine = Machine(fixed=3 * MB)
    found = find_micro(machine, batch=24, budget=12 * MB)
    assert machine.asked == [1, 2, found.size]
    assert found.peaks[found.size] == found.peak == 3 * MB + found.size * MB


def test_a_trial_is_at_most_eight_times_what_was_tried_before():
    machine = Machine(each=0)
    assert find_micro(machine, batch=1000, budget=MB).size == 1000
    assert machine.asked == [1, 2, 16, 128, 1000]


def test_where_a_line_was_no_good_guess_it_shrinks():
    machine = Machine(answer=lambda k: MB * k * k)
    found = find_micro(machine, batch=8, budget=20 * MB)
    assert found.size == 4
    assert machine.asked == [1, 2, 6, 4] or machine.asked[-1] == 4


def test_running_out_of_memory_is_an_answer():
    held = []

    def probe(size):
        if size > 3:
            frame = torch.ones(size)
            held.append(weakref.ref(frame))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return size

    found = find_micro(probe, batch=16, budget=10 * MB)
    assert found.size == 2
    assert None in found.peaks.values()
    assert all(one() is None for one in held), "what a failed trial held is free before the next"


def test_a_batch_of_one_is_tried_once():
    machine = Machine()
    assert find_micro(machine, batch=1, budget=2 * MB).size == 1
    assert machine.asked == [1]


def test_two_too_many_is_one():
    assert find_micro(Machine(), batch=8, budget=2 * MB).size == 1


def test_where_one_is_too_much_it_is_refused_with_numbers_and_what_to_do():
    with pytest.raises(Refused, match=r"takes 5\.0 MB and a tenth to spare; there are 5\.1 MB") as refused:
        find_micro(Machine(each=5 * MB), batch=8, budget=5_100_000)
    for remedy in ("activation_checkpointing", "max_length", "int8", "rank", "--memory"):
        assert remedy in refused.value.hint


def test_where_one_runs_out_of_memory_it_is_refused():
    def probe(_):
        raise MemoryError

    with pytest.raises(Refused, match="ran out of memory"):
        find_micro(probe, batch=8, budget=MB)


def test_another_error_of_a_trial_is_not_swallowed():
    def probe(_):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        find_micro(probe, batch=8, budget=MB)


@given(
    batch=st.integers(1, 300),
    budget=st.integers(1, 10**6),
    fixed=st.integers(0, 10**4),
    each=st.integers(-10, 10**4),
    curve=st.floats(0, 50),
    breaks=st.integers(2, 400),
)
def test_on_any_machine_it_ends_and_fits(batch, budget, fixed, each, curve, breaks):
    def probe(size):
        if size >= breaks:
            raise MemoryError
        return max(0, int(fixed + each * size + curve * size * size))

    try:
        found = find_micro(probe, batch, budget)
    except Refused:
        assert probe(1) > int(budget * 0.9)
        return
    assert 1 <= found.size <= batch
    assert probe(found.size) <= 0.9 * budget
    assert found.parts * found.size - batch < found.parts
    assert len(found.peaks) <= 24


@pytest.mark.parametrize(("size", "half"), [(16, 8), (7, 4), (2, 1), (1, 1)])
def test_half_of_it_is_less_until_it_is_one(size, half):
    assert halved(size) == half


def test_the_errors_of_torch_are_known():
    with pytest.raises(RuntimeError) as processor:
        torch.empty(2**60)
    assert is_out_of_memory(processor.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"))
    assert not is_out_of_memory(RuntimeError("expected scalar type Half"))
    assert not is_out_of_memory(ValueError("out of memory"))
