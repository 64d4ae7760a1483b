"""AdamW in groups, and its memory as tensors under names."""

import torch

from adapterhub.train.engine import optimizer
from tests.train.engine.builders import job, weights


def grouped(made, of):
    names = {weight: name for name, weight in of.trained.items()}
    return {
        names[weight]: (group["multiple"], group["weight_decay"])
        for group in made.param_groups
        for weight in group["params"]
    }


def test_vectors_do_not_decay_and_everybody_has_a_rate():
    asked = job(rates={"4.weight": 16.0})
    assert grouped(optimizer.build(asked), asked) == {
        "2.weight": (1.0, 0.1),
        "2.bias": (1.0, 0.0),
        "4.weight": (16.0, 0.1),
        "4.bias": (1.0, 0.0),
    }


def test_what_is_frozen_is_in_no_group():
    asked = job()
    held = [weight for group in optimizer.build(asked).param_groups for weight in group["params"]]
    assert len(held) == 4
    assert all(weight.requires_grad for weight in held)


def test_a_rate_is_multiplied_in_its_group():
    made = optimizer.build(job(rates={"4.weight": 16.0}))
    optimizer.set_rate(made, 1e-3)
    assert sorted({group["lr"] for group in made.param_groups}) == [1e-3, 1.6e-2]


def step(asked, made, seed):
    random = torch.Generator().manual_seed(seed)
    for weight in asked.trained.values():
        weight.grad = torch.randn(weight.shape, generator=random)
    made.step()


def test_what_is_restored_goes_on_as_if_nothing_had_been():
    asked = job()
    made = optimizer.build(asked)
    step(asked, made, 0)
    kept = {name: value.clone() for name, value in optimizer.state(made, asked.trained)}
    before = weights(asked)
    step(asked, made, 1)
    wanted = weights(asked)

    with torch.no_grad():
        for name, weight in asked.trained.items():
            weight.copy_(before[name])
    anew = optimizer.build(asked)
    optimizer.restore(anew, asked.trained, kept)
    step(asked, anew, 1)
    assert all(torch.equal(weight, wanted[name]) for name, weight in asked.trained.items())
    assert all(float(value) == 1 for name, value in kept.items() if name.startswith("step/"))


def test_an_optimiser_that_made_no_step_has_no_memory():
    asked = job()
    assert dict(optimizer.state(optimizer.build(asked), asked.trained)) == {}
