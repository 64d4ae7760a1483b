"""The loop: what a bare loop of torch does, watched, validated, stopped and kept."""

import math

import pytest
import torch
from torch import nn

from adapterhub.errors import WrongUsage
from adapterhub.train.config import ValidationConfig
from adapterhub.train.engine.dice import throw
from adapterhub.train.engine.fit import Run, fit
from adapterhub.train.engine.schedule import factor
from adapterhub.train.engine.state import Keeper
from adapterhub.train.watch.record import Watchers
from tests.train.engine.builders import (
    Noted,
    examples,
    furthest,
    held_out,
    job,
    loss,
    net,
    same,
    weights,
)


def watched(asked, **how):
    """The events of a run."""
    noted = Noted()
    fit(asked, Run(watchers=Watchers((noted,)), **how))
    return noted


def bare(asked):
    """A loop as anybody would write it: one forward pass a step, the mean, its gradient, AdamW."""
    model, optim = asked.model, asked.optim
    matrices = [weight for weight in asked.trained.values() if weight.ndim > 1]
    vectors = [weight for weight in asked.trained.values() if weight.ndim == 1]
    groups = [{"params": matrices, "weight_decay": optim.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=optim.lr, betas=optim.betas, eps=optim.eps)
    model.train()
    for step in range(asked.steps):
        throw(asked.seed, "step", step, 0, 0)
        total, count = asked.loss(model, asked.collate([asked.examples[i] for i in asked.batches.at(step)]))
        total.backward()
        for weight in asked.trained.values():
            weight.grad /= count
        if optim.clip:
            nn.utils.clip_grad_norm_(list(asked.trained.values()), optim.clip)
        for group in adam.param_groups:
            group["lr"] = optim.lr * factor(optim, step, asked.steps)
        adam.step()
        adam.zero_grad()
    return weights(asked)


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_weights_are_those_of_a_bare_loop_bit_for_bit(clip, dropout):
    ours = job(model=net(dropout), examples=examples(50), clip=clip)
    fit(ours)
    assert same(weights(ours), bare(job(model=net(dropout), examples=examples(50), clip=clip)))
    assert not same(weights(ours), weights(job()))


@pytest.mark.parametrize("micro", [4, 3, 1])
def test_the_micro_batch_changes_a_whole_run_by_rounding_only(micro):
    ours, theirs = job(), job(micro_batch=micro)
    fit(ours)
    fit(theirs)
    assert furthest(weights(ours), weights(theirs)) < 1e-4


def test_the_same_job_gives_the_same_bytes_and_another_seed_others():
    found = []
    for seed in (0, 0, 1):
        asked = job(model=net(0.3), seed=seed)
        torch.manual_seed(len(found))
        fit(asked)
        found.append(weights(asked))
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


def test_what_is_frozen_stays():
    asked = job()
    before = asked.model[0].weight.clone()
    fit(asked)
    assert torch.equal(asked.model[0].weight, before)


def test_a_run_leaves_no_gradients_and_a_model_that_is_done_training():
    asked = job()
    fit(asked)
    assert not asked.model.training
    assert all(weight.grad is None for weight in asked.model.parameters())


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_every_step_tells_its_rate_its_epoch_and_its_rows(schedule):
    asked = job(examples=examples(40), schedule=schedule, warmup=2)
    noted = watched(asked)
    told = noted.of("stepped")
    assert [one.lr for one in told] == [asked.optim.lr * factor(asked.optim, n, 6) for n in range(6)]
    assert [one.examples for one in told] == [16, 16, 8] * 2
    assert [one.step for one in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1].epoch == 2
    assert [event.event for event in noted.events] == ["begun", *["stepped"] * 6, "ended"]
    assert noted.of("ended")[0].reason == "finished"


def validated(values, *, steps=6, every=1, keep="best", patience=None, **optim):
    """A run whose validations say these values; its job, its events."""
    said = iter(values)
    asked = job(
        steps=steps,
        epochs=None,
        validate=lambda: {"accuracy": next(said)},
        metric="accuracy",
        validation=ValidationConfig(every=every, keep=keep, patience=patience),
        **optim,
    )
    return asked, watched(asked)


def test_a_validation_comes_every_so_many_steps_and_at_the_end():
    _, noted = validated([1, 2, 3], steps=5, every=2)
    assert [one.step for one in noted.of("validated")] == [2, 4, 5]


def test_without_a_number_a_validation_comes_after_every_epoch():
    _, noted = validated([1, 2, 3], steps=8, every=None)
    assert [one.step for one in noted.of("validated")] == [3, 6, 8]


def test_the_best_is_kept_or_the_last():
    after = {}
    for steps in (2, 5):
        asked = job(steps=steps, epochs=None, schedule="constant", warmup=0)
        fit(asked)
        after[steps] = weights(asked)
    values = [0.1, 0.9, 0.3, 0.9, 0.2]
    best, noted = validated(values, steps=5, schedule="constant", warmup=0)
    last, _ = validated(values, steps=5, schedule="constant", warmup=0, keep="last")
    assert same(weights(best), after[2])
    assert same(weights(last), after[5])
    assert noted.of("ended")[0].best_step == 2
    assert [one.best for one in noted.of("validated")] == [True, True, False, False, False]


def test_patience_ends_a_run_that_is_no_longer_better():
    asked, noted = validated([0.5, 0.6, 0.6, 0.6], steps=9, patience=2)
    ended = noted.of("ended")[0]
    assert (ended.reason, ended.step, ended.best_step, ended.metrics) == ("no longer better", 4, 2, {"accuracy": 0.6})
    assert not asked.model.training


def test_a_plateau_lowers_the_rate_of_the_steps_that_follow():
    _, noted = validated(
        [1, 1, 1, 1, 1, 1], schedule="plateau", warmup=0, plateau_patience=2, plateau_factor=0.5, lr=0.01
    )
    assert [one.lr for one in noted.of("stepped")] == pytest.approx([0.01, 0.01, 0.01, 0.005, 0.005, 0.0025])


def test_a_validation_is_made_in_evaluation_mode_and_changes_no_step():
    plain, model = job(model=net(0.3)), net(0.3)
    fit(plain)
    checked = held_out(model)

    def validate():
        torch.rand(3)  # somebody's own dice
        return checked()

    asked = job(model=model, validate=validate, validation=ValidationConfig(every=1, keep="last"))
    fit(asked)
    assert same(weights(plain), weights(asked))


def test_a_metric_that_is_nan_for_once_ends_nothing(tmp_path):
    keeper = Keeper(tmp_path / "state.safetensors")
    said = iter([math.nan, 0.5, math.nan])
    asked = job(
        steps=3, epochs=None, validate=lambda: {"auc": next(said)}, metric="auc", validation=ValidationConfig(every=1)
    )
    progress = fit(asked, Run(keeper=keeper, every=1))
    assert (progress.best_step, progress.best) == (2, {"auc": 0.5})


def test_a_metric_nobody_measures_is_told():
    asked = job(validate=lambda: {"loss": 1.0}, validation=ValidationConfig(metric="f1", every=1))
    with pytest.raises(WrongUsage, match="f1 is not measured"):
        fit(asked)


def test_fp16_loses_no_batch_where_it_overflows():
    seen = []

    class Looking:
        def __init__(self, model):
            self.model = model

        def penalty(self, model):
            return None

        def after_step(self, step):
            grads = [weight.grad for weight in self.model.parameters() if weight.requires_grad]
            seen.append((step, all(bool(grad.isfinite().all()) for grad in grads)))

        def state(self):
            return {}

        def restore(self, state):
            pass

    def large(model, batch):
        total, count = loss(model, batch)
        return 1e4 * total, count

    model = net()
    asked = job(model=model, loss=large, precision="fp16", parts=(Looking(model),))
    plain = job(loss=large)
    fit(asked)
    fit(plain)
    assert seen == [(step, True) for step in range(1, 7)]
    assert furthest(weights(asked), weights(plain)) < 0.05
