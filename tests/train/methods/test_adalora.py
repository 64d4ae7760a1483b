"""AdaLoRA: rank moves, is cut to what was asked for, and a run that was cut goes on the same."""

import pytest
import torch
from peft import AdaLoraConfig, get_peft_model

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.lora.load import load
from adapterhub.train.methods.inject import role
from tests.lora.builders import entry_of
from tests.train.methods.builders import KINDS, attached, config, train

ADALORA = config(method="adalora", rank=2)


def test_the_ranks_end_where_they_were_asked_to(tmp_path):
    kind = KINDS["bert"]
    made = attached(kind, kind.model(), ADALORA, steps=40)
    train(kind, made, 40)
    made.save(tmp_path, "me/base")
    ranks = [delta.rank for delta in load(entry_of(tmp_path)).deltas.values()]
    assert sum(ranks) == 2 * 13
    assert len(set(ranks)) > 1


def gap(model):
    """How far the factors are from orthonormal, as the paper says it and with the weight PEFT has."""
    found = [parameter for name, parameter in model.named_parameters() if (role(name) or ("", ""))[1] in ("A", "B")]
    tall = [one if one.shape[0] > one.shape[1] else one.T for one in found]
    return 0.5 * sum(torch.linalg.norm(one.T @ one - torch.eye(one.shape[1])) for one in tall) / len(tall)


def test_the_penalty_keeps_factors_orthonormal():
    kind = KINDS["cnn"]
    made = attached(kind, kind.model(), config(method="adalora"))
    assert torch.allclose(made.parts[0].penalty(made.model), gap(made.model))
    train(kind, made, 200)
    assert gap(made.model) < 0.1


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft asks any model for it
def test_the_cuts_are_those_of_peft():
    kind = KINDS["bert"]
    made = attached(kind, kind.model(), ADALORA, steps=20)
    targets = ["query", "key", "value", "dense"]
    budget = {"target_r": 2, "init_r": 3, "lora_alpha": 6, "tinit": 2, "tfinal": 5, "deltaT": 1, "total_step": 20}
    judge = get_peft_model(
        kind.model(), AdaLoraConfig(target_modules=targets, modules_to_save=["classifier"], **budget)
    )
    judge.base_model.model.load_state_dict(made.model.state_dict())
    train(kind, made, 20)
    optimizer = torch.optim.AdamW([p for p in judge.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.0)
    judge.train()
    for step in range(1, 21):
        torch.manual_seed(step)
        optimizer.zero_grad()
        (kind.loss(judge) + gap(judge.base_model.model)).backward()
        optimizer.step()
        judge.base_model.update_and_allocate(step)
    ours, theirs = made.model.state_dict(), judge.base_model.model.state_dict()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-5) for name in ours)


@pytest.mark.parametrize("cut", [1, 7, 16, 19])
def test_a_run_that_was_cut_goes_on_to_the_same(tmp_path, cut):
    kind = KINDS["cnn"]
    whole = attached(kind, kind.model(), ADALORA, steps=20)
    train(kind, whole, 20)
    first = attached(kind, kind.model(), ADALORA, steps=20)
    optimizer = train(kind, first, cut)
    model, state, moments = first.model.state_dict(), first.parts[0].state(), optimizer.state_dict()
    second = attached(kind, kind.model(), ADALORA, steps=20)
    second.model.load_state_dict(model)
    second.parts[0].restore({name: tensor.clone() for name, tensor in state.items()})
    again = torch.optim.AdamW([p for p in second.model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.0)
    again.load_state_dict(moments)
    train(kind, second, 20, first=cut + 1, optimizer=again)
    wanted, got = whole.model.state_dict(), second.model.state_dict()
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)
    assert whole.parts[0].state().keys() == second.parts[0].state().keys()


def test_saving_on_the_way_changes_nothing(tmp_path):
    kind = KINDS["bert"]
    plain, saved = (attached(kind, kind.model(), ADALORA, steps=12) for _ in range(2))
    train(kind, plain, 12)
    optimizer = train(kind, saved, 6)
    saved.save(tmp_path, "me/base")
    train(kind, saved, 12, first=7, optimizer=optimizer)
    assert plain.parts[0].state().keys() == saved.parts[0].state().keys()
    wanted, got = plain.model.state_dict(), saved.model.state_dict()
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)


def test_a_module_the_task_does_not_use_stops_nothing():
    kind = KINDS["cnn"]
    model = kind.model()
    model.idle = torch.nn.Linear(4, 4)
    train(kind, attached(kind, model, ADALORA, steps=8))


def test_too_few_steps_are_told():
    kind = KINDS["cnn"]
    with pytest.raises(WrongUsage, match="got 1 steps"):
        attached(kind, kind.model(), ADALORA, steps=1)


def test_before_the_first_step_there_is_nothing_to_save(tmp_path):
    kind = KINDS["cnn"]
    with pytest.raises(DoesNotFit, match="no direction is left"):
        attached(kind, kind.model(), ADALORA).save(tmp_path, "me/base")
