"""A model with adapters on: what is saved, what is copied, and a stack that nobody holds."""

import copy
import gc
import io
import pickle
import subprocess
import sys

import pytest
import torch
import transformers
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import Refused, WrongUsage
from adapterhub.lora.adapter import Adapter
from tests.compose.builders import tiny
from tests.compose.live.test_stack import of
from tests.lora.builders import delta

HEAD = Adapter(tensors={"weight": torch.ones(6, 5), "bias": torch.ones(6)})
KINDS = {"factors": of(delta()), "a head": HEAD, "both": Adapter({"": delta()}, tensors=HEAD.tensors)}


@pytest.mark.parametrize("one", KINDS.values(), ids=KINDS)
def test_a_model_with_adapters_on_is_neither_copied_nor_pickled(one):
    model = nn.Linear(5, 6)
    live = stack(model, [("a", one, 1.0)])
    with live:
        for take in (copy.deepcopy, pickle.dumps, lambda module: torch.save(module, io.BytesIO())):
            with pytest.raises(Refused, match="with adapters on it cannot be copied or pickled") as refusal:
                take(model)
            assert "leave the stack first" in refusal.value.hint
    assert torch.equal(copy.deepcopy(model).weight, model.weight)
    assert pickle.loads(pickle.dumps(model)).weight.equal(model.weight)
    assert not any(vars(model)[name] for name in vars(model) if name.endswith("_hooks"))


@pytest.mark.parametrize("one", KINDS.values(), ids=KINDS)
def test_the_state_of_a_model_with_adapters_on_is_the_models_own(one):
    model, x = nn.Linear(5, 6), torch.randn(2, 5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with stack(model, [("a", one, 1.0)]), stack(model, [("b", HEAD, 1.0)]):
        answer = model(x)
        state = model.state_dict()
        assert list(state) == list(before)
        assert all(torch.equal(state[name], before[name]) for name in before)
        assert not any(value.requires_grad for value in state.values())
        assert all(value.requires_grad for value in model.state_dict(keep_vars=True).values())
        assert torch.equal(model(x), answer)


@pytest.mark.parametrize("assign", [False, True])
def test_what_is_loaded_while_a_head_is_on_is_the_models_own(assign):
    model, other = nn.Sequential(nn.Linear(5, 6)), nn.Sequential(nn.Linear(5, 6))
    whole = Adapter(tensors={f"0.{name}": tensor for name, tensor in HEAD.tensors.items()})
    with stack(model, [("a", whole, 1.0)]):
        model.load_state_dict(other.state_dict(), assign=assign)
        assert torch.equal(model[0].weight, torch.ones(6, 5))
        assert torch.equal(model.state_dict()["0.weight"], other[0].weight)
    assert torch.equal(model[0].weight, other[0].weight)
    assert model[0].weight.requires_grad


def test_the_state_is_where_the_model_was_moved_to():
    model = nn.Linear(5, 6)
    with stack(model, [("a", HEAD, 1.0)]):
        model.double()
        assert model.state_dict()["weight"].dtype == torch.float64


def test_a_checkpoint_saved_with_a_head_on_is_the_base(tmp_path):
    model = tiny("bert")
    own = model.classifier.weight.detach().clone()
    head = Adapter(tensors={"classifier.weight": torch.ones(2, 16)})
    with stack(model, [("a", head, 1.0)]):
        model.save_pretrained(str(tmp_path))
    saved = transformers.BertForSequenceClassification.from_pretrained(str(tmp_path))
    assert torch.equal(saved.classifier.weight, own)


@pytest.mark.parametrize("one", KINDS.values(), ids=KINDS)
def test_a_stack_that_nobody_holds_takes_itself_off(one):
    model = nn.Linear(5, 6)
    own = model.weight
    live = stack(model, [("a", one, 1.0)])
    live.__enter__()
    del live
    gc.collect()
    assert not model._forward_hooks
    assert model.weight is own


def test_a_model_and_the_stack_it_holds_go_together():
    model = nn.Linear(5, 6)
    model.adapters = stack(model, [("a", HEAD, 1.0)]).__enter__()
    gc.collect()
    assert torch.equal(model.weight, torch.ones(6, 5))
    gone = []
    model.trace = type("Trace", (), {"__del__": lambda self: gone.append(True)})()
    del model
    gc.collect()
    assert gone == [True]


def test_a_model_whose_stack_was_left_is_copied_with_it():
    model, x = nn.Linear(5, 6), torch.randn(2, 5)
    model.adapters = stack(model, [("a", of(delta()), 1.0)], read=lambda text: [])
    with model.adapters:
        answer = model(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with other.adapters:
            assert torch.equal(other(x), answer)
            assert not torch.equal(model(x), answer)
        with pytest.raises(WrongUsage, match="cannot read expressions"):
            other.adapters.add("a")


def test_the_end_of_the_program_is_quiet():
    script = (
        "import torch; from torch import nn; from adapterhub.compose.live.stack import stack; "
        "from adapterhub.lora.adapter import Adapter; "
        "model = nn.Linear(5, 6); model.adapters = stack(model, [('a', Adapter(biases={'': torch.ones(6)}), 1.0)]); "
        "live = model.adapters.__enter__()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
