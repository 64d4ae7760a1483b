"""What a run remembers, whose it is, and what it says where it is another's."""

import pytest
import torch
from torch import nn

from adapterhub.errors import Conflict, Corrupt
from adapterhub.train.engine import checkpoint, optimizer
from adapterhub.train.engine.fit import Run, fit
from adapterhub.train.engine.state import Keeper, State
from adapterhub.train.resources.precision import Precision
from tests.train.engine.builders import Remembering, job, net, same, weights

WHO = {"base": "sha256:b", "data": {"train": "sha256:t", "labels": ("a", "b")}}


def state(asked, precision="fp32"):
    return State(asked, optimizer.build(asked), Precision(precision, asked.device))


@pytest.fixture
def keeper(tmp_path):
    """A state after three steps."""
    made = Keeper(tmp_path / "state.safetensors", WHO)
    model = net()
    fit(job(model=model, steps=3, epochs=None, parts=(Remembering(model),)), Run(keeper=made))
    return made


def anew(**changed):
    model = net(seed=1)
    return state(job(model=model, parts=(Remembering(model),), **changed))


def test_a_state_is_taken_back_with_everything_in_it(keeper):
    some, known = anew(), checkpoint.load(keeper.path)
    assert keeper.load(some)
    assert same(weights(some.job), known.part("weights"))
    assert same(dict(optimizer.state(some.optimizer, some.job.trained)), known.part("optimizer"))
    assert same(some.job.parts[0].state(), known.part("part 0"))
    assert some.progress.step == 3


def test_what_is_kept_is_what_was_taken_back(keeper):
    some, before = anew(), keeper.path.read_bytes()
    keeper.load(some)
    keeper.save(some)
    assert keeper.path.read_bytes() == before


def test_where_nothing_is_kept_nothing_is_taken(tmp_path):
    some = anew()
    before = weights(some.job)
    assert not Keeper(tmp_path / "none").load(some)
    assert same(weights(some.job), before)


@pytest.mark.parametrize(("changed", "told"), [
    ({"base": "sha256:c"}, "the base is not what it was at the checkpoint: sha256:b then, sha256:c now"),
    ({"data": {"train": "sha256:u"}}, "the data is not what it was at the checkpoint"),
    ({"more": 1}, "the more is not what it was at the checkpoint: None then, 1 now"),
])  # fmt: skip
def test_a_state_of_another_run_is_a_conflict_and_changes_nothing(keeper, changed, told):
    some = anew()
    before, kept = weights(some.job), keeper.path.read_bytes()
    with pytest.raises(Conflict, match=told) as caught:
        Keeper(keeper.path, WHO | changed).load(some)
    assert "--restart" in caught.value.hint
    assert same(weights(some.job), before)
    assert keeper.path.read_bytes() == kept


def test_an_identity_that_is_missing_now_is_a_conflict_too(keeper):
    with pytest.raises(Conflict, match="the data is not what it was"):
        Keeper(keeper.path, {"base": "sha256:b"}).load(anew())


def larger():
    model = net()
    model[2], model[4] = nn.Linear(16, 20), nn.Linear(20, 3)
    return model


def renamed():
    model = net()
    model.register_parameter("more", nn.Parameter(torch.zeros(2)))
    return model


@pytest.mark.parametrize(("model", "told"), [
    (larger, r"2\.bias: 12 then, 20 now"),
    (renamed, r"more: nothing then, 2 now"),
])  # fmt: skip
def test_other_parameters_are_a_conflict_before_any_is_written(keeper, model, told):
    some = state(job(model=model()))
    before = weights(some.job)
    with pytest.raises(Conflict, match=f"holds other parameters than the model: {told}"):
        keeper.load(some)
    assert same(weights(some.job), before)


def test_a_state_of_another_precision_is_told(keeper):
    model = net()
    some = state(job(model=model, parts=(Remembering(model),)), precision="fp16")
    with pytest.raises(Corrupt, match="precision"):
        keeper.load(some)


def test_the_best_is_a_copy():
    some = anew()
    some.remember()
    before = weights(some.job)
    with torch.no_grad():
        some.job.model[2].weight.zero_()
    assert same(some.best, before)
    some.put(some.best)
    assert same(weights(some.job), before)
