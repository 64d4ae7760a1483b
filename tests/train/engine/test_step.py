"""The gradient of a step is that of the mean over its batch, however the batch is split."""

import math

import pytest
import torch
from torch import nn

from adapterhub.errors import Refused, WrongUsage
from adapterhub.train.config import OptimConfig
from adapterhub.train.engine import optimizer
from adapterhub.train.engine.fit import fit
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.step import Stepper
from adapterhub.train.resources.precision import Diverged, Precision
from tests.train.engine.builders import collate, examples, furthest, job, loss, net, same, weights


def stepper(asked, micro=16, precision="fp32"):
    return Stepper(
        asked, optimizer.build(asked), Precision(precision, asked.device, summed=asked.optim.batch), micro=micro
    )


def gradient(asked, micro=16, step=0):
    made = stepper(asked, micro)
    found = made(step)
    return found, {name: weight.grad.clone() for name, weight in asked.trained.items()}


def whole(asked, step=0):
    """The judge: one forward pass over the batch, and the gradient of the mean."""
    total, count = asked.loss(asked.model, asked.collate([asked.examples[i] for i in asked.batches.at(step)]))
    trained = asked.trained
    grads = torch.autograd.grad(total / count, list(trained.values()))
    return float((total / count).detach()), dict(zip(trained, grads, strict=True))


@pytest.mark.parametrize("micro", [16, 4, 3, 1])
def test_the_micro_batch_changes_nothing_although_rows_differ_in_what_counts(micro):
    asked = job(clip=None)
    mean, grads = whole(asked)
    found, ours = gradient(asked, micro)
    assert found.loss == pytest.approx(mean, rel=1e-6)
    assert found.norm == pytest.approx(math.sqrt(sum(float(g.square().sum()) for g in grads.values())), rel=1e-6)
    assert furthest(ours, grads) < 1e-6


def test_the_mean_of_means_would_have_been_another_number():
    asked = job()
    rows = [asked.examples[i] for i in asked.batches.at(0)]
    means = [torch.div(*loss(asked.model, collate(rows[at : at + 3]))) for at in range(0, 16, 3)]
    grads = torch.autograd.grad(torch.stack(means).mean(), list(asked.trained.values()))
    assert furthest(dict(zip(asked.trained, grads, strict=True)), whole(asked)[1]) > 0.01


def test_the_last_batch_is_a_mean_over_what_it_has():
    asked = job(examples=examples(19))
    mean, grads = whole(asked, step=1)
    found, ours = gradient(asked, 2, step=1)
    assert found.loss == pytest.approx(mean, rel=1e-6)
    assert furthest(ours, {name: g / max(1.0, found.norm) for name, g in grads.items()}) < 1e-6


def test_the_norm_is_told_as_it_was_before_clipping():
    free, grads = gradient(job(clip=None))
    cut, clipped = gradient(job(clip=free.norm / 4))
    assert cut.norm == free.norm
    assert furthest(clipped, {name: g / 4 for name, g in grads.items()}) < 1e-5


def test_a_penalty_is_added_once_however_many_pieces_there_are():
    class Shrink:
        def penalty(self, model):
            return 3 * model[2].weight.square().sum()

    asked = job(parts=(Shrink(),), clip=None)
    _, plain = gradient(job(clip=None))
    for micro in (16, 3):
        _, ours = gradient(asked, micro)
        added = {"2.weight": ours["2.weight"] - plain["2.weight"]}
        assert furthest(added, {"2.weight": 6 * asked.model[2].weight.detach()}) < 1e-6


def test_a_parameter_nobody_used_has_gradient_zero():
    model = net()
    model.register_parameter("idle", nn.Parameter(torch.ones(3)))
    model.forward = lambda x: nn.Sequential.forward(model, x)
    _, grads = gradient(job(model=model))
    assert torch.equal(grads["idle"], torch.zeros(3))


def test_a_batch_in_which_nothing_counts_changes_nothing():
    rows = [(tokens, torch.full_like(labels, -100)) for tokens, labels in examples(16)]
    found, grads = gradient(job(examples=rows))
    assert (found.loss, found.count) == (0.0, 0.0)
    assert not any(grad.any() for grad in grads.values())


def test_dropout_is_the_same_whenever_a_step_is_computed():
    asked = job(model=net(dropout=0.5))
    asked.model.train()
    _, first = gradient(asked, 4, step=1)
    gradient(asked, 4, step=0)
    _, again = gradient(asked, 4, step=1)
    assert all(torch.equal(first[name], again[name]) for name in first)


def hungry(most, error=torch.OutOfMemoryError):
    """A loss that has memory for so many rows; `seen` tells what it was asked."""
    seen = []

    def asked(model, batch):
        seen.append(len(batch["tokens"]))
        if seen[-1] > most:
            raise error("CUDA out of memory. Tried to allocate 2.00 GiB")
        return loss(model, batch)

    return asked, seen


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_where_memory_runs_out_the_step_is_made_in_smaller_pieces(error):
    some, seen = hungry(5, error)
    asked = job(loss=some, clip=None)
    made = stepper(asked, 16)
    found = made(0)
    assert seen == [16, 8, 4, 4, 4, 4]
    assert made.micro == 4
    plain, grads = gradient(job(clip=None))
    assert found.loss == pytest.approx(plain.loss, rel=1e-6)
    assert furthest({name: weight.grad for name, weight in asked.trained.items()}, grads) < 1e-6


def test_what_was_summed_before_memory_ran_out_is_forgotten():
    def some(model, batch):
        if len(batch["tokens"]) == 6 and float(batch["tokens"][0, 0, 0]) == second:
            raise torch.OutOfMemoryError("out of memory")
        return loss(model, batch)

    asked = job(loss=some, clip=None)
    second = float(asked.examples[asked.batches.at(0)[6]][0][0, 0])
    made = stepper(asked, 6)
    made(0)
    assert made.micro == 3
    _, grads = gradient(job(clip=None), 3)
    assert all(torch.equal(weight.grad, grads[name]) for name, weight in asked.trained.items())


def test_a_micro_batch_beyond_the_batch_is_halved_from_the_batch():
    some, seen = hungry(8)
    stepper(job(loss=some), 1024)(0)
    assert seen == [16, 8, 8]


def test_one_example_that_does_not_fit_is_told():
    some, _ = hungry(0)
    with pytest.raises(Refused, match="one example is too much in step 1: CUDA out of memory") as caught:
        stepper(job(loss=some))(0)
    assert "max_length" in caught.value.hint


def test_another_error_of_the_loss_is_not_taken_for_a_lack_of_memory():
    def wrong(model, batch):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        stepper(job(loss=wrong))(0)


def poisoned(*rows, count=48):
    """Rows of which some hold a NaN."""
    made = examples(count)
    for row in rows:
        made[row][0][0, 0] = math.nan
    return made


@pytest.mark.parametrize("micro", [16, 3])
def test_a_loss_that_is_no_number_names_the_rows(micro):
    asked = job(examples=poisoned(5, 9), batch=48, place=lambda index: f"train.csv, line {index + 2}")
    with pytest.raises(Diverged) as caught:
        stepper(asked, micro)(0)
    assert str(caught.value).startswith("the loss of step 1 is nan, by train.csv, line ")
    assert set(str(caught.value).partition("by ")[2].split("train.csv, ")[1:]) in (
        {"line 7; ", "line 11"},
        {"line 11; ", "line 7"},
    )
    assert all(weight.grad is None for weight in asked.trained.values())


def test_many_bad_rows_are_not_all_named():
    with pytest.raises(Diverged, match=r"by \d+(; \d+){7} …$"):
        stepper(job(examples=poisoned(*range(1, 48)), batch=48))(0)


def test_where_every_row_is_bad_none_is_blamed():
    with pytest.raises(Diverged, match=r"the loss of step 1 is nan, in the batch with \d+"):
        stepper(job(examples=poisoned(*range(48))))(0)


def test_a_gradient_that_is_no_number_is_told_before_it_reaches_the_weights():
    def root(model, batch):
        total, count = loss(model, batch)
        return total + (model[4].bias * 0).square().sum().sqrt(), count

    with pytest.raises(Diverged, match=r"the gradient of step 1 has the norm nan, in the batch with \d+; "):
        stepper(job(loss=root))(0)


def test_a_probe_leaves_nothing_behind_even_where_it_fails():
    some, _ = hungry(1)
    asked = job(loss=some)
    made = stepper(asked)
    made.probe(asked.examples[:1])
    assert all(weight.grad is None for weight in asked.trained.values())

    class Late(torch.autograd.Function):
        @staticmethod
        def forward(ctx, value):
            return value.clone()

        @staticmethod
        def backward(ctx, grad):
            raise torch.OutOfMemoryError("out of memory")

    def fails_late(model, batch):
        total, count = loss(nn.Sequential(*model[:4]), batch)
        return total + Late.apply(model[2].weight).sum() + Late.apply(model[2].bias).sum(), count

    asked = job(loss=fails_late)
    with pytest.raises(torch.OutOfMemoryError):
        stepper(asked).probe(asked.examples[:2])
    assert all(weight.grad is None for weight in asked.trained.values())


def test_fp16_makes_a_step_again_at_half_the_scale_until_it_is_finite():
    asked = job(loss=lambda model, batch: tuple(1e4 * one for one in loss(model, batch)))
    before, made, tried = weights(asked), stepper(asked, precision="fp16"), 1
    found = made(0)
    while not made.advance():
        assert same(weights(asked), before)
        found = made(0)
        tried += 1
    assert tried > 1
    assert math.isfinite(found.norm)
    assert not same(weights(asked), before)


@pytest.mark.parametrize("count", [float("nan"), float("inf"), -1.0, 0.0])
def test_a_count_that_counts_nothing_is_told_before_anything_moves(count):
    def loss(model, batch):
        return model(batch[0]).square().sum(), torch.tensor(count)

    model = nn.Linear(3, 1)
    rows = torch.ones(4, 3)
    asked = Job(model, loss, range(4), lambda some: (rows[list(some)],), optim=OptimConfig(batch=4, steps=1))
    before = model.weight.clone()
    with pytest.raises(WrongUsage, match=r"the loss of step 1 is a sum of .* things"):
        fit(asked)
    assert torch.equal(model.weight, before)


def test_a_count_below_one_divides_by_itself():
    def loss(model, batch):
        return 0.25 * model(batch[0]).sum(), torch.tensor(0.25 * len(batch[0]))

    rows = torch.ones(4, 3)
    asked = Job(
        nn.Linear(3, 1), loss, range(4), lambda some: (rows[list(some)],), optim=OptimConfig(batch=2, clip=None)
    )
    stepper(asked, micro=2)(0)
    assert torch.allclose(asked.model.weight.grad, torch.ones(1, 3))
