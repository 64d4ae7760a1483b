"""The hooks around experts: they stay for as long as a stack does, and keep a sum for as long as it is right."""

import copy
import pickle
import threading

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

from adapterhub.compose.live import experts_gate, experts_site
from adapterhub.compose.live.stack import stack
from adapterhub.errors import Refused
from adapterhub.lora.adapter import Adapter
from tests.compose.live.test_experts import UP, Model, X, added, by_hand, of
from tests.compose.live.test_stack import close
from tests.lora.builders import delta


def assert_left(model, before):
    """Nothing of a stack is on the experts, and their parameters are the objects they were."""
    experts = model.experts
    assert not experts._forward_pre_hooks
    assert not experts._forward_hooks
    assert not {"down", "up"} & set(vars(experts))
    assert all(now is then for now, then in zip(model.parameters(), before, strict=True))


def test_adapters_come_and_go():
    one, other = of(1), of(2, leaves=("up",))
    model = Model()
    before = list(model.parameters())
    with torch.no_grad(), stack(model, [("a", one, 1.0)]) as live:
        model(X)
        live.attach("b", other, 0.5)
        assert close(model(X), by_hand((one, 1.0), (other, 0.5)))
        live.remove("a")
        assert close(model(X), by_hand((other, 0.5)))
        assert close(model.experts.down, Model().experts.down)
        live.remove("b")
        assert_left(model, before)
        live.attach("a", one)
        assert close(model(X), by_hand((one, 1.0)))


def test_leaving_gives_the_model_back_bit_for_bit():
    model, plain = Model(), Model()(X)
    before, state = list(model.parameters()), copy.deepcopy(model.state_dict())
    seen = []
    model.experts.inside = lambda: seen.append(model.state_dict())
    with stack(model, [("a", of(), 1.0)]):
        assert not torch.equal(model(X), plain)
        seen.append(model.state_dict())
    assert_left(model, before)
    assert torch.equal(model(X), plain)
    for one in seen:
        assert list(one) == list(state)
        assert all(torch.equal(one[name], state[name]) for name in state)


def test_a_hook_that_fails_before_ours_leaves_the_parameters():
    model = Model()
    model.experts.register_forward_pre_hook(lambda *_: 1 / 0)
    with stack(model, [("a", of(), 1.0)]):
        with pytest.raises(ZeroDivisionError):
            model(X)
        model.experts._forward_pre_hooks.popitem(last=False)
        assert close(model(X), by_hand((of(), 1.0)))
        assert not {"down", "up"} & set(vars(model.experts))


def test_a_forward_that_fails_leaves_the_parameters():
    model = Model()
    plain = model(X)
    with stack(model, [("a", of(), 1.0)]):
        with pytest.raises(IndexError):
            model.experts(model.first(X), torch.full((4,), 3))
        assert not {"down", "up"} & set(vars(model.experts))
        assert close(model(X), by_hand((of(), 1.0)))
    assert torch.equal(model(X), plain)


@pytest.mark.parametrize("inner_first", [True, False])
def test_stacks_nest_and_leave_in_any_order(inner_first):
    model, one, other = Model(), of(1), of(2, experts=(1,))
    before, plain = list(model.parameters()), model(X)
    outer, inner = stack(model, [("a", one, 0.5)]), stack(model, [("a", other, 2.0)])
    with torch.no_grad():
        outer.__enter__()
        inner.__enter__()
        assert close(model(X), by_hand((one, 0.5), (other, 2.0)))
        (inner if inner_first else outer).close()
        assert close(model(X), by_hand((one, 0.5) if inner_first else (other, 2.0)))
        (outer if inner_first else inner).close()
    assert_left(model, before)
    assert torch.equal(model(X), plain)


@pytest.fixture
def sums(monkeypatch):
    """One entry for each sum that is computed."""
    made = []

    def counted(*given):
        made.append(1)
        return experts_gate.changed(*given)

    monkeypatch.setattr(experts_site, "changed", counted)
    return made


@torch.no_grad()
def test_the_sum_is_kept_until_the_weights_change(sums):
    with stack(model := Model(), [("a", of(leaves=("up",)), 1.0)]) as live:
        for weight, count in ((1.0, 1), (0.5, 2), (0.5, 2), (0.0, 2), (1.0, 3)):
            live.weights = {"a": weight}
            model(X)
            model(X)
            assert len(sums) == count


CHANGES = {
    "loaded": lambda model: model.load_state_dict({name: 2 * one for name, one in model.state_dict().items()}),
    "in place": lambda model: model.experts.up.mul_(2),
    "type": lambda model: model.double(),
    "object": lambda model: setattr(model.experts, "up", nn.Parameter(model.experts.up * 2)),
    "data": lambda model: setattr(model.experts.up, "data", model.experts.up.data * 2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@torch.no_grad()
def test_a_parameter_that_changes_beneath_is_followed(change):
    model, wanted, one = Model(), Model(), of()
    change(wanted)
    added(wanted, one, 1.0)
    x = X.to(wanted.first.weight.dtype)
    with stack(model, [("a", one, 1.0)]):
        model(X)
        change(model)
        assert close(model(x), wanted(x))
    assert not close(model(x), wanted(x))


@torch.inference_mode()
def test_a_parameter_made_in_inference_mode_is_followed_too():
    model, wanted, one = Model(), Model(), of()
    CHANGES["in place"](wanted)
    added(wanted, one, 1.0)
    with stack(model, [("a", one, 1.0)]):
        model(X)
        CHANGES["in place"](model)
        assert close(model(X), wanted(X))


@torch.no_grad()
def test_two_threads_may_run_one_model():
    model, one, entered, go = Model(), of(), threading.Event(), threading.Event()
    wanted, answers = by_hand((one, 1.0)), []

    def wait():
        model.experts.inside = lambda: None
        entered.set()
        assert go.wait(30)

    model.experts.inside = wait
    with stack(model, [("a", one, 1.0)]):
        thread = threading.Thread(target=torch.no_grad()(lambda: answers.append(model(X))))
        thread.start()
        assert entered.wait(30)
        answers.append(model(X))
        go.set()
        thread.join()
    assert all(close(answer, wanted) for answer in answers)


def test_a_model_with_changed_parameters_is_not_copied():
    model = Model()
    with stack(model, [("a", Adapter({"experts.up[0]": delta(*UP)}), 1.0)]):
        for make in (copy.deepcopy, pickle.dumps):
            with pytest.raises(Refused, match="cannot be copied or pickled"):
                make(model.experts)


@pytest.fixture
def _fresh():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("_fresh")
@torch.no_grad()
def test_compiled_new_weights_compile_nothing_anew():
    model, counter, one, other = Model(), CompileCounter(), of(1), of(2)
    compiled = torch.compile(model, backend=counter, fullgraph=True)
    plain = compiled(X)
    with stack(model, [("a", one, 1.0), ("b", other, 0.0)]) as live:
        counter.clear()
        for weights in ({"a": 1.0}, {"b": 0.5}, {}, {"a": -1.0, "b": 1.0}):
            live.weights = weights
            assert close(compiled(X), by_hand(*((one if name == "a" else other, w) for name, w in weights.items())))
            assert close(compiled(X), model(X))
        assert counter.frame_count == 1
    assert torch.equal(compiled(X), plain)


@pytest.mark.usefixtures("_fresh")
@torch.no_grad()
def test_a_broken_adapter_that_is_off_does_not_reach_the_compiled_answer():
    broken = of(2)
    for change in broken.deltas.values():
        change.A.fill_(torch.nan), change.B.fill_(torch.inf)
    compiled = torch.compile(model := Model(), backend="eager", fullgraph=True)
    with stack(model, [("a", of(1), 1.0), ("broken", broken, 0.0)]):
        assert close(compiled(X), by_hand((of(1), 1.0)))
