"""Digits: what is lost, what is recovered, and that nothing is asserted that was not measured."""

import torch

from adapterhub.train.compress.int8 import quantise
from adapterhub.train.compress.masked import mask, merge
from adapterhub.train.compress.observe import observe
from adapterhub.train.compress.prune import prune, zeros
from adapterhub.train.compress.targets import live
from tests.train.compress.builders import accuracy, digits, learn, lora, reader


def test_int8_stays_within_a_point_of_fp32():
    x, _, _, _ = digits()
    for method in ("minmax", "percentile", "histogram-kl", "histogram-mse"):
        model = reader()
        whole = accuracy(model)
        scales = observe(model, lambda model=model: model(x), method)
        assert whole > 0.95
        quantise(model, method=method)
        assert abs(accuracy(model) - whole) <= 0.01
        both = reader()
        quantise(both, method=method, activations=scales)
        assert abs(accuracy(both) - whole) <= 0.01


def test_recovery_under_the_mask_brings_accuracy_back_and_keeps_every_zero():
    model = reader()
    whole = accuracy(model)
    prune(model, 0.92)
    pruned = accuracy(model)
    where = {name: weight == 0 for name, weight in live(model).items()}
    share = zeros(live(model).values())
    adapted = lora(model)
    mask(adapted)
    learn(adapted, steps=150, lr=1e-2)
    trained = accuracy(adapted)
    merge(adapted)
    recovered = adapted.unload()
    assert accuracy(recovered) == trained
    assert pruned < whole - 0.1 < whole - 0.04 < trained, (
        f"{whole:.3f} whole, {pruned:.3f} pruned, {trained:.3f} recovered"
    )
    assert zeros(live(recovered).values()) == share
    assert all(torch.equal(weight == 0, where[name]) for name, weight in live(recovered).items())
