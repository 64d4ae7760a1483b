"""Dice are thrown from a place and leave no trace in one another."""

import torch

from adapterhub.train.engine.dice import mixed, order, throw

ORDER = [3, 7, 0, 1, 5, 2, 6, 4]


def test_a_throw_seeds_as_torch_does():
    throw(7, "step", 3)
    ours = torch.rand(5)
    torch.manual_seed(mixed(7, "step", 3))
    assert torch.equal(ours, torch.rand(5))


def test_places_that_differ_in_anything_have_other_dice():
    places = [(0, "step", 1, 0, 0), (1, "step", 1, 0, 0), (0, "step", 0, 1, 0), (0, "step", 0, 0, 1), (0, "order", 1)]
    assert len({mixed(*place) for place in places}) == len(places)


def test_an_epoch_has_every_example_once_in_an_order_of_its_own():
    first, second = order(100, seed=0, epoch=0), order(100, seed=0, epoch=1)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert order(100, seed=1, epoch=0) != first


def test_an_order_is_the_same_on_every_machine():
    assert order(8, seed=0, epoch=0) == ORDER


def test_an_order_touches_no_common_generator():
    before = torch.get_rng_state()
    order(100, seed=0, epoch=0)
    assert torch.equal(torch.get_rng_state(), before)
