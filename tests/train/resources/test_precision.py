"""The three precisions step alike, fp16 overflows without harm, and what makes results repeat is taken back."""

import contextlib
import os

import pytest
import torch
from torch import nn

from adapterhub.errors import Corrupt, Refused, WrongUsage
from adapterhub.train.resources.precision import Diverged, Precision, deterministic

CPU = torch.device("cpu")


def model_and_optimizer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    return model, torch.optim.AdamW(model.parameters(), lr=1e-2)


def one_step(model, optimizer, precision, factor=1.0):
    torch.manual_seed(1)
    inputs, labels = torch.randn(32, 8), torch.randint(0, 3, (32,))
    optimizer.zero_grad()
    with precision.autocast():
        loss = factor * nn.functional.cross_entropy(model(inputs), labels, reduction="sum")
    precision.scale(loss).backward()
    precision.unscale(optimizer)
    return precision.step(optimizer)


def until_it_steps(model, optimizer, precision, factor):
    for tries in range(1, 100):
        if one_step(model, optimizer, precision, factor):
            return tries
    raise AssertionError("100 steps in a row overflowed")


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize(("word", "kind"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_products_are_computed_in_the_precision_and_weights_stay_fp32(word, kind):
    model, optimizer = model_and_optimizer()
    precision = Precision(word, CPU, summed=32)
    with precision.autocast():
        assert model(torch.randn(2, 8)).dtype == kind
    assert one_step(model, optimizer, precision)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("word", ["bf16", "fp16"])
def test_unscaled_gradients_are_near_those_of_fp32(word):
    found = {}
    for each in ("fp32", word):
        model, optimizer = model_and_optimizer()
        one_step(model, optimizer, Precision(each, CPU, summed=32))
        found[each] = torch.cat([p.grad.flatten() for p in model.parameters()])
    assert (found[word] - found["fp32"]).norm() < 0.02 * found["fp32"].norm()


def test_a_step_that_overflows_changes_nothing_but_the_scale():
    model, optimizer = model_and_optimizer()
    precision, before = Precision("fp16", CPU), weights(model)
    assert not one_step(model, optimizer, precision, factor=1e4)
    assert torch.equal(weights(model), before)
    assert precision.state()["scale"] == 2.0**15
    assert not optimizer.state


def test_the_same_step_again_comes_through_at_a_smaller_scale():
    model, optimizer = model_and_optimizer()
    assert 1 < until_it_steps(model, optimizer, Precision("fp16", CPU), factor=1e4) < 24


def test_the_scale_of_a_sum_begins_smaller_by_its_terms():
    assert Precision("fp16", CPU, summed=32).state()["scale"] == 2.0**11
    assert Precision("fp16", CPU, summed=33).state()["scale"] == 2.0**10


def test_gradients_that_are_infinite_themselves_end_it():
    model, optimizer = model_and_optimizer()
    precision = Precision("fp16", CPU)
    with pytest.raises(Diverged, match="overflow even when the loss is scaled by"):
        until_it_steps(model, optimizer, precision, factor=float("inf"))


def test_a_restored_scale_goes_on_as_if_it_had_not_been_cut():
    model, optimizer = model_and_optimizer()
    precision = Precision("fp16", CPU)
    one_step(model, optimizer, precision, factor=1e4)
    one_step(model, optimizer, precision, factor=1e-2)
    again = Precision("fp16", CPU)
    again.restore(precision.state())
    assert again.state() == precision.state()
    assert again.state()["good_steps"] == 1
    one_step(model, optimizer, again, factor=1e-2)
    assert again.state()["good_steps"] == 2
    assert again.state()["scale"] == precision.state()["scale"]


def test_only_fp16_has_a_state():
    assert Precision("fp32", CPU).state() == Precision("bf16", CPU).state() == {}


def test_the_state_of_another_precision_is_corrupt():
    with pytest.raises(Corrupt, match="good_steps"):
        Precision("bf16", CPU).restore(Precision("fp16", CPU).state())


def test_a_precision_that_is_none_is_wrong_usage():
    with pytest.raises(WrongUsage, match="'int8' is none; wanted fp32, bf16, fp16"):
        Precision("int8", CPU)


def test_a_device_without_autocast_is_refused():
    assert Precision("fp32", torch.device("meta")).word == "fp32"
    with pytest.raises(Refused, match="bf16 on meta"):
        Precision("bf16", torch.device("meta"))


def settings():
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        torch.backends.mkldnn.deterministic,
        torch.get_num_threads(),
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    )


@pytest.mark.parametrize("device", [None, CPU, torch.device("cuda")])
@pytest.mark.parametrize("warn", [False, True])
def test_all_that_was_set_is_given_back_whatever_happens(device, warn):
    torch.use_deterministic_algorithms(warn, warn_only=warn)
    try:
        before = settings()
        with contextlib.suppress(KeyError), deterministic(1, device):
            assert torch.are_deterministic_algorithms_enabled()
            assert torch.get_num_threads() == 1
            raise KeyError
        assert settings() == before
    finally:
        torch.use_deterministic_algorithms(False)


def test_an_operation_without_a_deterministic_form_is_an_error_on_the_processor():
    with deterministic():
        assert not torch.is_deterministic_algorithms_warn_only_enabled()


def test_on_an_accelerator_it_warns_and_the_workspace_is_set(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with deterministic(device=torch.device("cuda")):
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_workspace_that_somebody_chose_stays(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with deterministic(device=torch.device("cuda")):
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_the_number_of_threads_stays_unless_one_is_given():
    before = torch.get_num_threads()
    with deterministic():
        assert torch.get_num_threads() == before
