"""What only wraps a model is looked through."""

import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import DoesNotFit
from tests.compose.live.test_stack import close, of
from tests.lora.builders import delta


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(5, 6)

    def forward(self, x):
        return self.one(x)


@pytest.mark.parametrize(
    "wrap",
    [
        nn.DataParallel,
        lambda model: torch.compile(model, backend="eager"),
        lambda model: torch.compile(nn.DataParallel(model), backend="eager"),
    ],
)
@torch.no_grad()
def test_adapters_go_on_the_model_inside(wrap):
    model, x = Model(), torch.randn(4, 5)
    wrapped = wrap(model)
    plain = wrapped(x)
    with stack(wrapped, [("a", of(delta(), "one"), 1.0)]):
        changed = wrapped(x)
        assert close(changed, model(x))
    assert not close(changed, plain, 1e-3)
    assert torch.equal(wrapped(x), plain)
    torch._dynamo.reset()


def test_copies_on_several_devices_are_refused():
    wrapped = nn.DataParallel(Model())
    wrapped.device_ids = [0, 1]
    with pytest.raises(DoesNotFit, match=r"DataParallel runs copies of the model on devices \[0, 1\]"):
        stack(wrapped, [("a", of(delta(), "one"), 1.0)])
