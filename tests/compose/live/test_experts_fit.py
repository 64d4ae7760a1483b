"""Which parameters can be changed: those whose shape, or whose module, says how they lie."""

import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import DoesNotFit, Refused
from adapterhub.lora.adapter import Adapter, Gain
from tests.compose.live.test_experts import UP, Model, X, by_hand, of
from tests.compose.live.test_stack import close
from tests.lora.builders import delta


def test_rows_cannot_be_routed_past_a_changed_parameter():
    with stack(Model(), [("a", of(), 1.0), ("b", Adapter({"first": delta(4, 7)}), 1.0)]) as live:
        with pytest.raises(Refused, match=r"experts\.down, experts\.up: a changed parameter is the same for all rows"):
            live.route([{"a": 1.0}, {}, {}, {}])
        with torch.no_grad(), live.route([{"b": 1.0}, {}, {}, {}]):
            live._model(X)


def test_experts_that_no_forward_called_are_told():
    model = Model()
    model.forward = lambda x: model.first(x) * 2
    with stack(model, [("a", of(), 1.0)]), pytest.warns(UserWarning, match="did not call experts.down, experts.up"):
        model(X)


class Router(nn.Module):
    """A module of a class nobody knows."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 5))

    def forward(self, x):
        return x @ self.weight.T, x


def test_the_matrix_of_a_module_of_unknown_class_is_changed():
    router, x, one = Router(), torch.randn(2, 5), delta(5, 5)
    with stack(nn.ModuleDict({"router": router}), [("a", Adapter({"router": one}), 0.5)]):
        assert close(router(x)[0], x @ (router.weight + 0.5 * one.B @ one.A).T)


def shaped(*shape, dtype=torch.float32, device="cpu", **says):
    """A model whose experts have one parameter of this shape."""
    experts = nn.Module()
    experts.down = nn.Parameter(torch.zeros(shape, dtype=dtype, device=device), requires_grad=False)
    vars(experts).update(says)
    return nn.ModuleDict({"experts": experts})


FIRST = Adapter({"experts.down[0]": delta()})
REFUSED = {
    "no module": (nn.Linear(5, 6), FIRST, "a: no module experts"),
    "no parameter": (nn.ModuleDict({"experts": nn.Linear(5, 6)}), FIRST, "experts.down is no parameter of Linear"),
    "shape": (shaped(3, 6, 7), FIRST, "experts.down is 3×6×7, the adapter changes 6×5 of matrix 0"),
    "number": (shaped(3, 6, 5), Adapter({"experts.down[3]": delta()}), "the adapter changes 6×5 of matrix 3"),
    "vector": (shaped(6), FIRST, "experts.down is 6, the adapter changes 6×5"),
    "quantised": (shaped(3, 6, 5, dtype=torch.int8), FIRST, "experts.down is offloaded or quantised"),
    "offloaded": (shaped(3, 6, 5, device="meta"), FIRST, "experts.down is offloaded or quantised"),
    "square": (shaped(3, 5, 5), Adapter({"experts.down[0]": delta(5, 5)}), "cannot be told from a square"),
    "dora": (
        shaped(3, 6, 5),
        Adapter(FIRST.deltas, magnitudes={"experts.down[0]": torch.ones(6)}),
        "no module experts.down[0]",
    ),
    "a router with more": (
        nn.ModuleDict({"router": Router()}),
        Adapter({"router": delta(5, 5)}, gains={"router": Gain(torch.ones(5), "out")}),
        "Router, not Linear",
    ),
}


@pytest.mark.parametrize(("model", "one", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_changed_is_refused(model, one, reason):
    with pytest.raises(DoesNotFit) as refusal:
        stack(model, [("a", one, 1.0)])
    assert reason in str(refusal.value)


@pytest.mark.parametrize(("shape", "turned"), [((3, 5, 5), True), ((5, 5), False)])
def test_a_square_is_known_where_the_module_says_or_it_stands_alone(shape, turned):
    model, one, seen = shaped(*shape, is_transposed=turned), delta(5, 5), []
    model["experts"].forward = lambda: seen.append(model["experts"].down)
    with stack(model, [("a", Adapter({"experts.down[0]": one}), 1.0)]):
        model["experts"]()
    dense = one.B @ one.A
    assert close(seen[0].view(-1, 5, 5)[0], dense.T if turned else dense)


def test_what_fits_is_taken_where_that_is_allowed():
    one = Adapter({**of().deltas, "gone.down[0]": delta(), "experts.up[7]": delta(*UP)})
    with pytest.raises(DoesNotFit, match=r"no module gone; a: experts\.up is 3×4×5"):
        stack(Model(), [("a", one, 1.0)])
    one = Adapter({**of(leaves=("down",)).deltas, "gone.down[0]": delta()})
    with stack(model := Model(), [("a", one, 1.0)], partial=True):
        assert close(model(X), by_hand((of(leaves=("down",)), 1.0)))
