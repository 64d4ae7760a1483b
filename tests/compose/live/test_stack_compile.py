"""torch.compile: one graph for all weights and routes, and adapters that come and go are never overlooked."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

from adapterhub.compose.live.stack import stack
from adapterhub.lora.adapter import Adapter, Gain, Rows
from adapterhub.lora.delta import Delta, Form
from adapterhub.lora.load import load
from tests.compose.builders import adapter, ask, tiny
from tests.compose.live.test_stack import close
from tests.lora.builders import delta, entry_of


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()
    with torch.no_grad():
        yield
    torch._dynamo.reset()


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.one, self.two = nn.Embedding(7, 5), nn.Linear(5, 6), nn.Linear(6, 3)

    def forward(self, ids):
        return self.two(self.one(self.words(ids)).relu())


class Three(Two):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 3, 3, padding=1)

    def forward(self, ids):
        return self.conv(super().forward(ids).mT)


def parts():
    low = {"one": delta(seed=1), "two": delta(3, 6, seed=2)}
    dora = Adapter({"one": delta(rank=3, seed=3)}, magnitudes={"one": torch.rand(6)})
    return [("a", Adapter(low), 1.0), ("b", dora, 1.0), ("c", Adapter(biases={"two": torch.ones(3)}), 1.0)]


IDS = torch.tensor([[1, 2, 3, 4], [6, 5, 4, 3], [0, 1, 0, 1]])
WEIGHTS = [{"a": 1.0}, {"b": 0.5, "c": 2.0}, {}, {"a": -1.0, "b": 1.0, "c": 1.0}]
ROUTES = [[{"a": 1.0}, {}, {"b": 1.0}], [{}, {"c": 1.0}, {"a": 0.5}]]


def test_changed_weights_and_routes_compile_nothing_anew():
    model, counter = Two(), CompileCounter()
    compiled = torch.compile(model, backend=counter)
    with stack(model, parts()) as live:
        compiled(IDS)
        assert counter.frame_count == 1
        for weights in WEIGHTS:
            live.weights = weights
            assert close(compiled(IDS), model(IDS))
        assert counter.frame_count == 1
        for n, rows in enumerate(ROUTES * 2):
            with live.route(rows):
                assert close(compiled(IDS), model(IDS))
            assert close(compiled(IDS), model(IDS))
            assert counter.frame_count == 2, f"route {n}"


def test_a_model_compiled_before_sees_the_adapters_come_and_go():
    model = Two()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    plain = compiled(IDS)
    with stack(model, parts()[:1]) as live:
        one = compiled(IDS)
        assert close(one, model(IDS))
        assert not close(one, plain, 1e-3)
        live.attach(*parts()[1])
        assert close(compiled(IDS), model(IDS))
        assert not close(compiled(IDS), one, 1e-3)
        live.remove("b")
        assert close(compiled(IDS), one)
    assert torch.equal(compiled(IDS), plain)


def test_a_broken_adapter_that_is_off_does_not_reach_the_compiled_answer():
    model = Two()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    bad = delta(seed=1)
    bad.A[0, 0] = bad.B[0, 0] = torch.nan
    with stack(model, [*parts(), ("bad", Adapter({"one": bad}), 0.0)]) as live:
        assert torch.isfinite(compiled(IDS)).all()
        with live.route([{"a": 1.0}, {"bad": 1.0}, {}]):
            assert torch.isfinite(compiled(IDS)).flatten(1).all(1).tolist() == [True, False, True]


def broken(rank, into, out, kind="linear", kernel=()):
    return Delta(torch.full((rank, into), torch.nan), torch.full((out, rank), torch.nan), 1.0, Form(kind, kernel))


NAN = torch.full((6,), torch.nan)
BROKEN = {
    "linear": Adapter({"one": broken(2, 5, 6)}),
    "embedding": Adapter({"words": broken(2, 7, 5, "embedding")}),
    "convolution": Adapter({"conv": broken(2, 9, 3, "conv", (3,))}),
    "dora": Adapter({"one": broken(2, 5, 6)}, magnitudes={"one": NAN}),
    "ia3 of outputs": Adapter(gains={"one": Gain(NAN, "out")}),
    "ia3 of inputs": Adapter(gains={"one": Gain(NAN[:5], "in")}),
    "shift": Adapter({"one": broken(2, 5, 6)}, shifts={"one": NAN}),
    "bias": Adapter(biases={"one": NAN}),
    "tokens": Adapter(rows={"words": Rows((1, 2), torch.full((2, 5), torch.nan))}),
    "head": Adapter(tensors={"two.weight": torch.full((3, 6), torch.nan)}),
    "too large": Adapter({"one": Delta(torch.full((2, 5), 3e38), torch.full((6, 2), 3e38), 1.0)}),
}


@pytest.mark.parametrize("bad", BROKEN.values(), ids=BROKEN)
def test_no_kind_of_change_reaches_the_compiled_answer_while_it_is_off(bad):
    model = Three()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    good = Adapter({"one": delta(seed=1), "conv": replace(delta(3, 9), form=Form("conv", (3,)))})
    with stack(model, [("good", good, 1.0)]):
        wanted = model(IDS)
    with stack(model, [("bad", bad, 0.0), ("good", good, 1.0)]) as live:
        assert close(compiled(IDS), wanted)
        live.weights = {"bad": 1.0}
        assert not torch.isfinite(compiled(IDS)).all()
        live.weights = {"good": 1.0}
        assert close(compiled(IDS), wanted)


def test_whole_tensors_are_exchanged_under_a_compiled_model():
    model = Two()
    compiled = torch.compile(model, backend="eager")
    plain = compiled(IDS)
    with stack(model, [("head", Adapter(tensors={"two.weight": torch.ones(3, 6)}), 1.0)]) as live:
        assert close(compiled(IDS), model(IDS))
        live.weights = {}
        assert torch.equal(compiled(IDS), plain)
    assert torch.equal(compiled(IDS), plain)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "vit"])
def test_real_models_answer_the_same_compiled(tmp_path, kind):
    one = load(entry_of(adapter(tmp_path, kind, use_dora=True)))
    model = tiny(kind)
    compiled = torch.compile(model, backend="eager")
    with stack(model, [("a", one, 1.0)]) as live:
        for weight in (1.0, 0.3):
            live.weights = {"a": weight}
            assert close(ask(compiled, kind), ask(model, kind))


def test_a_model_that_changes_its_type_is_followed_when_compiled():
    model = Two()
    compiled = torch.compile(model, backend="eager")
    with stack(model, parts()):
        single = compiled(IDS)
        model.double()
        assert close(compiled(IDS).float(), single)
