"""The first values of the factors: from the seed, and such that training begins at the base."""

import pytest
import torch
from torch import nn

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.methods import eva
from adapterhub.train.methods.inject import role
from adapterhub.train.methods.table import METHODS, attach
from adapterhub.train.resources.count import count
from tests.train.methods.builders import KINDS, attached, config


def factors(model, part):
    """The parameters that play a part, as matrices."""
    found = {name: parameter for name, parameter in model.named_parameters() if (role(name) or ("", ""))[1] == part}
    return {name: parameter.detach().flatten(1) for name, parameter in found.items()}


@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if name != "full"])
def test_the_same_seed_gives_the_same_values_and_another_others(method):
    kind = KINDS["cnn"]
    states = []
    for seed, before in ((0, 5), (0, 6), (1, 5)):
        torch.manual_seed(before)
        states.append(attached(kind, kind.model(), config(seed, method=method)).model.state_dict())
    one, same, other = states
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_generator_is_left_as_it_was():
    kind = KINDS["cnn"]
    model = kind.model()
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    attached(kind, model, config(init="orthogonal"))
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_frozen_a_has_orthonormal_rows_and_only_b_is_trained(kind):
    made = attached(kind, kind.model(), config(method="frozen-a"))
    for name, A in factors(made.model, "A").items():
        assert torch.allclose(A @ A.T, torch.eye(4), atol=1e-5), name
        assert not made.model.get_parameter(name).requires_grad
    assert all(made.model.get_parameter(name).requires_grad for name in factors(made.model, "B"))


def test_a_frozen_a_has_at_most_as_many_rows_as_columns():
    kind = KINDS["cnn"]
    made = attached(kind, kind.model(), config(method="frozen-a", rank=12))
    assert factors(made.model, "A")["body.0.lora_A.default.weight"].shape == (9, 9)


def test_pissa_begins_with_the_largest_singular_values():
    kind = KINDS["gpt2"]
    weight = kind.model().transformer.h[0].mlp.c_fc.weight.T
    made = attached(kind, kind.model(), config(init="pissa"))
    layer = made.model.transformer.h[0].mlp.c_fc
    found = torch.linalg.svdvals(2 * layer.lora_B.default.weight @ layer.lora_A.default.weight)
    assert torch.allclose(found[:4], torch.linalg.svdvals(weight)[:4], atol=1e-5)
    assert torch.allclose(
        torch.linalg.svdvals(layer.base_layer.weight)[:12], torch.linalg.svdvals(weight)[4:], atol=1e-5
    )


def test_orthogonal_begins_with_both_factors_and_no_product():
    kind = KINDS["bert"]
    model = attached(kind, kind.model(), config(init="orthogonal", rank=5)).model
    for A, B in zip(factors(model, "A").values(), factors(model, "B").values(), strict=True):
        assert A.norm() > 0.1
        assert B.norm() > 0.1
        assert (B @ A).abs().max() < 1e-6


def test_pissa_of_a_convolution_in_groups_is_told():
    model = nn.Sequential(nn.Conv2d(4, 4, 3, groups=2))
    with pytest.raises(DoesNotFit, match="0 is a convolution in groups"):
        attach(model, config(init="pissa", targets=("0",)), ())


def test_eva_finds_the_singular_vectors_of_the_inputs():
    torch.manual_seed(0)
    rows = torch.randn(400, 12) * torch.linspace(3, 0.1, 12)
    model = nn.Sequential(nn.Linear(12, 12))
    made = attach(model, config(init="eva", targets=("0",)), (), batches=[[piece] for piece in rows.split(100)])
    A = factors(made.model, "A")["0.lora_A.default.weight"]
    _, _, Vh = torch.linalg.svd(rows, full_matrices=False)
    assert torch.allclose((A @ Vh[:4].T).abs(), torch.eye(4), atol=1e-4)


def test_a_sketch_of_long_rows_finds_what_a_whole_decomposition_finds():
    torch.manual_seed(0)
    rows = torch.randn(900, 300) * torch.logspace(1, -1, 300)
    sketch = eva.Sketch(8)
    for piece in rows.split(300):
        sketch.add(piece)
    found, shares = sketch.directions()
    _, S, Vh = torch.linalg.svd(rows, full_matrices=False)
    assert torch.allclose(found @ found.T, torch.eye(8), atol=1e-5)
    assert torch.linalg.matrix_norm(found[:4] @ Vh[:8].T) ** 2 > 3.9
    assert torch.allclose(shares, (S[:8] ** 2 / (S**2).sum()).double(), rtol=0.05)


def test_eva_does_not_look_at_padding():
    kind = KINDS["bert"]
    ids = kind.inputs()["input_ids"]
    padded = torch.cat([ids, torch.zeros(5, 4, dtype=torch.long)], 1)
    mask = torch.ones_like(padded)
    mask[:, 7:] = 0
    found = []
    for inputs in ({"input_ids": ids}, {"input_ids": padded, "attention_mask": mask}):
        batches = [{"inputs": inputs, "labels": torch.zeros(5)}]
        made = attach(
            kind.model(), config(init="eva"), kind.heads, batches=batches, forward=lambda model, b: model(**b["inputs"])
        )
        found.append(factors(made.model, "A"))
    plain, masked = found
    assert plain.keys() == masked.keys()
    # The same space; a direction itself may be any of those that explain nearly the same.
    assert all(torch.allclose(plain[name].T @ plain[name], masked[name].T @ masked[name], atol=1e-3) for name in plain)


def test_eva_moves_rank_to_where_the_inputs_are_spread():
    flat = torch.cat([torch.full((1,), 0.9), torch.full((7,), 0.01)])
    even = torch.full((8,), 0.125)
    found = {"flat": (torch.eye(8), flat), "even": (torch.eye(8), even)}
    assert eva.ranks(found, 4) == {"flat": 1, "even": 7}


def test_eva_without_batches_is_told():
    kind = KINDS["cnn"]
    with pytest.raises(WrongUsage, match="no batch went through one"):
        attach(kind.model(), config(init="eva"), kind.heads)


def test_eva_leaves_out_what_the_task_does_not_use():
    kind = KINDS["cnn"]
    model = kind.model()
    model.idle = nn.Linear(4, 4)
    made = attach(model, config(init="eva"), kind.heads, batches=[kind.inputs()])
    assert {role(name)[0] for name in factors(made.model, "A")} == {"body.0", "body.3", "fc"}


def test_eva_calls_the_model_the_way_it_is_told_and_leaves_its_mode():
    kind, seen = KINDS["cnn"], []
    model = kind.model().train()

    def forward(model, batch):
        seen.append((model.training, torch.is_grad_enabled()))
        return model(batch["pixels"])

    batches = [{"pixels": kind.inputs()["images"]}]
    attach(model, config(init="eva"), kind.heads, batches=batches, forward=forward)
    assert seen == [(False, False)]
    assert model.training


def test_lora_plus_makes_b_faster_and_nothing_else():
    kind = KINDS["bert"]
    made = attached(kind, kind.model(), config(lora_plus=16.0))
    assert made.rates == dict.fromkeys(factors(made.model, "B"), 16.0)
    assert attached(kind, kind.model(), config()).rates == {}


def test_what_is_trained_is_counted():
    kind = KINDS["cnn"]
    model = kind.model()
    total = count(model)[1]
    assert count(model) == (total, total)
    head, A, B = 16 * 3 + 3, 4 * (9 + 72 + 12), 4 * (8 + 12 + 16)
    assert count(attached(kind, model, config()).model) == (head + A + B, total + head + A + B)
    frozen = count(attached(kind, kind.model(), config(method="frozen-a")).model)
    assert frozen == (head + B, total + head + A + B)
