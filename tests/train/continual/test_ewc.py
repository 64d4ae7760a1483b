"""Elastic weight consolidation: F as it is defined, and a penalty that pulls back to where training began."""

import pytest
import torch
from torch import nn

from adapterhub.errors import Corrupt, DoesNotFit, Refused, WrongUsage
from adapterhub.train.continual.ewc import Ewc, added, estimate, load, save
from tests.train.continual.builders import loss, mlp


def singles(count=6):
    random = torch.Generator().manual_seed(0)
    inputs, labels = torch.randn(count, 64, generator=random), torch.arange(count) % 10
    return [(inputs[n : n + 1], labels[n : n + 1]) for n in range(count)]


def test_f_is_the_mean_of_squared_gradients_example_by_example():
    model, batches = mlp(), singles()
    fisher = estimate(model, loss, batches)
    wanted = torch.zeros(10)
    for inputs, labels in batches:
        # The gradient of cross entropy by the last bias is p - y.
        wanted += (model(inputs).softmax(1)[0] - nn.functional.one_hot(labels[0], 10)).detach() ** 2 / len(batches)
    assert torch.allclose(fisher["2.bias"], wanted, atol=1e-7)
    assert fisher.keys() == dict(model.named_parameters()).keys()


def test_only_what_is_trained_has_an_f():
    model = mlp()
    model[0].requires_grad_(False)
    assert list(estimate(model, loss, singles())) == ["2.weight", "2.bias"]


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(mlp(), nn.Dropout(0.5)).train()
    model[0].eval()
    one, two = (estimate(model, loss, singles()) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one), "dropout was on"
    assert [module.training for module in model] == [False, True]
    assert all(weight.grad is None for weight in model.parameters())


def test_f_can_be_estimated_where_gradients_are_off():
    with torch.no_grad():
        assert estimate(mlp(), loss, singles())["2.bias"].any()


def test_an_estimate_of_nothing_is_told():
    with pytest.raises(WrongUsage, match="no example"):
        estimate(mlp(), loss, [])


def test_a_gradient_that_is_no_number_is_told():
    with pytest.raises(Refused, match=r"the gradient of \d\.\w+ is no number"):
        estimate(mlp(), loss, [(torch.full((1, 64), float("nan")), torch.tensor([0]))])


def test_the_penalty_is_the_formula_and_nothing_at_the_beginning():
    model = nn.Linear(2, 1)
    fisher = {"weight": torch.tensor([[2.0, 3.0]]), "bias": torch.tensor([5.0])}
    ewc = Ewc(model, fisher, 4.0)
    assert ewc.penalty(model) == 0
    with torch.no_grad():
        model.weight += torch.tensor([[1.0, -2.0]])
        model.bias += 0.5
    penalty = ewc.penalty(model)
    assert penalty.item() == pytest.approx(4 / 2 * (2 * 1 + 3 * 4 + 5 * 0.25))
    penalty.backward()
    assert torch.allclose(model.weight.grad, torch.tensor([[8.0, -24.0]]))


def test_what_is_frozen_now_has_no_penalty():
    model = nn.Linear(2, 1)
    ewc = Ewc(model, {"weight": torch.ones(1, 2)}, 1.0)
    model.requires_grad_(False)
    assert ewc.penalty(model) is None


def test_a_run_that_goes_on_is_pulled_to_where_the_first_began():
    model = nn.Linear(2, 1)
    began = Ewc(model, {"weight": torch.ones(1, 2)}, 1.0)
    with torch.no_grad():
        model.weight += 1
    again = Ewc(model, {"weight": torch.ones(1, 2)}, 1.0)
    assert again.penalty(model) == 0
    again.restore(began.state())
    assert again.penalty(model).item() == pytest.approx(1.0)


@pytest.mark.parametrize(("fisher", "told"), [
    ({"head.weight": torch.ones(1)}, "head.weight was trained for earlier tasks"),
    ({"weight": torch.ones(3, 2)}, "weight was 3×2 for earlier tasks, and is 1×2 now"),
], ids=["missing", "shape"])  # fmt: skip
def test_an_f_of_another_model_is_told(fisher, told):
    with pytest.raises(DoesNotFit, match=told):
        Ewc(nn.Linear(2, 1), fisher, 1.0)


def test_the_f_of_several_tasks_add_up():
    both = added({"a": torch.ones(2), "old": torch.ones(1)}, {"a": torch.ones(2), "new": torch.ones(1)})
    assert both["a"].tolist() == [2.0, 2.0]
    assert sorted(both) == ["a", "new", "old"]
    with pytest.raises(DoesNotFit, match="a was 2"):
        added({"a": torch.ones(2)}, {"a": torch.ones(3)})


def test_a_file_gives_back_what_was_saved_and_the_same_bytes(tmp_path):
    from safetensors.torch import load_file

    fisher = estimate(mlp(), loss, singles())
    for name, told in (("one", fisher), ("two", dict(reversed(fisher.items())))):
        save(told, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    for back in (load(tmp_path / "one"), load_file(tmp_path / "one")):
        assert back.keys() == fisher.keys()
        assert all(torch.equal(back[name], fisher[name]) for name in fisher)


def test_what_the_penalty_needs_lies_where_the_model_is():
    there = torch.device("meta")  # a device that is not the processor, on every machine
    model = mlp()
    fisher = estimate(model, loss, singles())
    part = Ewc(model.to(there), fisher, 1.0)
    assert {tensor.device for tensor in (*part.fisher.values(), *part.anchors.values())} == {there}
    part.restore({name: torch.zeros(square.shape) for name, square in fisher.items()})
    assert {anchor.device for anchor in part.anchors.values()} == {there}
    assert part.penalty(model).device == there


def test_a_file_that_is_cut_is_told(tmp_path):
    save({"a": torch.ones(9)}, tmp_path / "continual.safetensors")
    data = (tmp_path / "continual.safetensors").read_bytes()
    (tmp_path / "continual.safetensors").write_bytes(data[:-4])
    with pytest.raises(Corrupt, match=r"continual\.safetensors"):
        load(tmp_path / "continual.safetensors")
