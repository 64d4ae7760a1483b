"""Which examples a step takes, and who takes which of them."""

import pytest

from adapterhub.train.engine.batches import Batches, parts, share


@pytest.mark.parametrize(("count", "size"), [(48, 16), (50, 16), (3, 16), (1, 1)])
def test_an_epoch_has_every_example_once(count, size):
    batches = Batches(count, size, seed=0)
    for epoch in range(3):
        steps = [batches.at(epoch * batches.per_epoch + n) for n in range(batches.per_epoch)]
        assert sorted(index for batch in steps for index in batch) == list(range(count))
        assert [len(batch) for batch in steps[:-1]] == [size] * (len(steps) - 1)
        assert steps[-1]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 20])
def test_processes_share_a_batch_without_overlap_and_evenly(size):
    batch = Batches(64, 16, seed=0).at(2)
    shares = [share(batch, rank, size) for rank in range(size)]
    assert sorted(index for one in shares for index in one) == sorted(batch)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("micro", [1, 3, 16, 99])
def test_pieces_are_the_batch_in_its_order(micro):
    pieces = list(parts(range(16), micro))
    assert [index for piece in pieces for index in piece] == list(range(16))
    assert max(map(len, pieces)) <= micro


def test_epochs_are_rounded_to_steps_and_are_at_least_one():
    batches = Batches(50, 16, seed=0)
    assert [batches.steps(epochs) for epochs in (0.01, 0.5, 1, 2.25)] == [1, 2, 4, 9]


def test_a_list_that_is_given_out_can_be_changed():
    batches = Batches(8, 4, seed=0)
    batches.at(0).clear()
    assert len(batches.at(0)) == 4
