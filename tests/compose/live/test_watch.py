"""The first forward tells what was never called; nobody is told twice, and nothing is left behind."""

import warnings

import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.lora.adapter import Adapter
from tests.compose.live.test_stack import of
from tests.lora.builders import delta


class Parts(nn.Module):
    """A text, an image encoder that is called where there is an image, and experts of which one is called."""

    def __init__(self):
        super().__init__()
        self.text, self.image = nn.Linear(5, 6), nn.Linear(5, 6)
        self.experts = nn.ModuleList(nn.Linear(5, 6) for _ in range(3))

    def forward(self, x, image=None):
        y = self.text(x) + self.experts[1](x)
        return y if image is None else y + self.image(image)


ALL = Adapter({name: delta() for name in ("text", "image", "experts.0", "experts.1", "experts.2")})
X = torch.ones(2, 5)


def test_what_was_never_called_is_told_once():
    model = Parts()
    with stack(model, [("ada/a", ALL, 1.0)]) as live:
        with pytest.warns(UserWarning, match=r"ada/a: the model ran and did not call image, so .* fuse"):
            model(X)
        assert not model._forward_hooks
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model(X)
            live.weights = {"ada/a": 0.5}
            model(X)


@pytest.mark.parametrize("one", [ALL, of(delta(), "text"), of(delta(), "experts.1"), of(delta(), "experts.2")])
def test_what_was_called_is_not_told(one):
    model = Parts()
    with stack(model, [("a", one, 1.0)]):
        if "experts.2" in one.deltas and len(one.deltas) == 1:
            with pytest.warns(UserWarning, match="did not call experts.2"):
                model(X, X)
        else:
            model(X, X)
    assert not model._forward_hooks


def test_adapters_that_come_on_later_are_watched_then():
    model, image = Parts(), of(delta(), "image")
    with stack(model, [("a", of(delta(), "text"), 1.0), ("b", image, 0.0)]) as live:
        model(X)
        assert not model._forward_hooks
        live.weights = {"a": 1.0, "b": 1.0}
        with pytest.warns(UserWarning, match="b: the model ran and did not call image"):
            model(X)
        live.attach("c", image)
        with pytest.warns(UserWarning, match="c: the model ran"):
            model(X)
        live.remove("c")
        live.attach("c", image)
        with pytest.warns(UserWarning, match="c: the model ran"):
            model(X)


def test_a_stack_that_never_ran_leaves_nothing_behind():
    model = Parts()
    live = stack(model, [("a", ALL, 1.0)])
    with live:
        assert model._forward_hooks
        live.remove("a")
        assert not model._forward_hooks
        live.attach("a", ALL)
        assert model._forward_hooks
    assert not model._forward_hooks


def test_a_compiled_model_is_traced_whole_and_not_told():
    torch._dynamo.reset()
    model = Parts()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    with torch.no_grad(), stack(model, [("a", ALL, 1.0)]):
        got = compiled(X)
        with pytest.warns(UserWarning, match="did not call image"):
            assert torch.allclose(got, model(X))
    torch._dynamo.reset()
