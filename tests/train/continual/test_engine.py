"""Consolidation in the engine: a run that was cut goes on to the same bytes, pulled to where the first one began."""

import pytest
import torch

from adapterhub.train.continual.ewc import Ewc
from adapterhub.train.engine.fit import Run, fit
from adapterhub.train.engine.state import Keeper
from tests.train.engine.builders import job, loss, net, same, weights


def asked(strength=50.0, cut=None, **changed):
    """A job that keeps its weights near those it begins with; `cut`: it fails at this forward pass."""
    model, passes = net(), 0

    def failing(model, batch):
        nonlocal passes
        passes += 1
        if passes == cut:
            raise KeyboardInterrupt
        return loss(model, batch)

    fisher = {name: torch.ones_like(weight) for name, weight in model.named_parameters() if weight.requires_grad}
    return job(model=model, loss=failing, parts=[Ewc(model, fisher, strength)], steps=9, epochs=None, **changed)


def test_a_run_that_was_cut_ends_with_the_same_bytes(tmp_path):
    whole = asked()
    fit(whole, Run(micro=16))
    keeper = Keeper(tmp_path / "state.safetensors")
    with pytest.raises(KeyboardInterrupt):
        fit(asked(cut=6), Run(micro=16, keeper=keeper, every=2))
    again = asked()
    with torch.no_grad():
        again.model[2].weight += 1  # the checkpoint knows weights and anchors, whatever the model holds now
    again.parts[0].anchors["2.weight"] += 1
    fit(again, Run(micro=16, keeper=keeper, every=2))
    assert same(weights(whole), weights(again))


def test_the_stronger_the_penalty_the_nearer_the_beginning():
    def away(strength):
        made = asked(strength)
        began = weights(made)
        fit(made, Run(micro=16))
        return sum(float((weights(made)[name] - began[name]).norm()) for name in began)

    assert away(500.0) < 0.5 * away(0.0)
