"""What stands in place of the model's own is one adapter's: the only one's that is on, or the one's that is chosen."""

import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import NotFound, Refused, WrongUsage
from adapterhub.lora.adapter import Adapter, Rows
from tests.compose.live.test_stack import close, of
from tests.lora.builders import delta


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def head(seed):
    torch.manual_seed(seed)
    return Adapter({"": delta(seed=seed)}, tensors={"weight": torch.randn(6, 5)})


def stands(model, one):
    return torch.equal(model.weight, one.tensors["weight"])


ONE, TWO = head(1), head(2)
X = torch.randn(4, 5)


def test_the_head_is_that_of_the_one_that_is_on():
    model = nn.Linear(5, 6)
    own = model.weight
    with stack(model, [("two", TWO, 1.0)]):
        alone = model(X)
    with stack(model, [("one", ONE, 1.0), ("two", TWO, 1.0)], choose="one") as live:
        assert stands(model, ONE)
        live.only("two")
        assert stands(model, TWO)
        assert torch.equal(model(X), alone)
        live.weights = {}
        assert model.weight is own
        live.weights = {"one": 1.0, "two": 0.5}
        assert stands(model, ONE)
        live.remove("one")
        live.only("two")
        assert torch.equal(model(X), alone)
    assert model.weight is own


def test_an_adapter_that_is_off_has_no_say():
    model = nn.Linear(5, 6)
    with stack(model, [("one", ONE, 1.0), ("two", TWO, 0.0)]) as live:
        assert stands(model, ONE)
        with pytest.raises(Refused, match=r"one and two each have their own whole tensors \(weight\)") as refusal:
            live.weights = {"one": 1.0, "two": 1.0}
        assert "stack.choose" in refusal.value.hint
        assert live.weights == {"one": 1.0, "two": 0.0}
        assert stands(model, ONE)


def test_whose_it_is_can_be_changed():
    model = nn.Linear(5, 6)
    with stack(model, [("one", ONE, 1.0)]) as live:
        with pytest.raises(Refused) as refusal:
            live.attach("two", TWO)
        assert "choose= where an adapter is attached" in refusal.value.hint
        assert live.weights == {"one": 1.0}
        live.attach("two", TWO, choose="two")
        assert live.choose == "two"
        assert stands(model, TWO)
        live.choose = "one"
        assert stands(model, ONE)
        with pytest.raises(NotFound, match="three"):
            live.choose = "three"
        with pytest.raises(Refused):
            live.choose = None
        assert live.choose == "one"
        assert stands(model, ONE)
        live.remove("one")
        assert live.choose is None
        assert stands(model, TWO)


def test_an_expression_brings_a_second_head_with_a_choice():
    model = nn.Linear(5, 6)
    with stack(model, [("one", ONE, 1.0)], read={"two": [("two", TWO, 1.0)]}.__getitem__) as live:
        live.add("two", choose="two")
        assert stands(model, TWO)


def test_the_chosen_one_is_not_taken_off_while_others_disagree():
    model = nn.Linear(5, 6)
    with stack(model, [("one", ONE, 1.0), ("two", TWO, 1.0), ("three", head(3), 1.0)], choose="three") as live:
        with pytest.raises(Refused, match="one and two each have"):
            live.remove("three")
        assert set(live.weights) == {"one", "two", "three"}
        assert live.choose == "three"
        live.weights = {"one": 1.0, "three": 1.0}
        live.remove("three")
        assert stands(model, ONE)


def test_the_same_head_in_two_adapters_needs_no_choice():
    model = nn.Linear(5, 6)
    again = Adapter(tensors={"weight": ONE.tensors["weight"].clone()})
    with stack(model, [("one", ONE, 1.0), ("again", again, 1.0)]) as live:
        assert stands(model, ONE)
        live.only("again")
        assert stands(model, ONE)
        with live.route([{"one": 1.0}, {"again": 0.5}]):
            assert stands(model, ONE)
        live.attach("third", again, 1.0)
        live.weights = {"one": -1.0, "again": 1.0}
        assert stands(model, ONE)
        with pytest.raises(Refused, match="for all rows or for none"):
            live.route([{"one": 1.0}, {"again": 1.0}, {}])
        with pytest.raises(Refused, match="again and two each have"):
            live.attach("two", TWO)


def test_a_head_cannot_be_taken_away():
    with pytest.raises(Refused, match="one has a weight of -1"):
        stack(nn.Linear(5, 6), [("one", ONE, -1.0)])


def test_one_that_has_none_cannot_be_chosen_for_them():
    with pytest.raises(Refused, match="plain was chosen, and has no whole tensors"):
        stack(nn.Linear(5, 6), [("one", ONE, 1.0), ("plain", of(delta()), 1.0)], choose="plain")


def test_the_models_own_tensor_can_be_chosen():
    model = nn.Linear(5, 6)
    own = model.weight
    copy = Adapter({"": delta()}, tensors={"weight": own.clone()})
    with stack(model, [("one", ONE, 1.0), ("copy", copy, 1.0)]) as live:
        assert stands(model, ONE)
        live.choose = "copy"
        assert model.weight is own


def test_rows_that_differ_in_their_head_are_refused():
    model = nn.Linear(5, 6)
    with stack(model, [("one", ONE, 1.0), ("two", TWO, 1.0)], choose="one") as live:
        for rows in ([{"one": 1.0}, {}], [{"one": 1.0}, {"two": 1.0}]):
            with pytest.raises(Refused, match=r"one puts whole tensors .* \(weight\), for all rows"):
                live.route(rows)
        with live.route([{"one": 1.0, "two": 1.0}, {"one": 0.5}]):
            assert stands(model, ONE)
        with live.route([{"two": 1.0}, {"two": 0.5}]):
            assert stands(model, TWO)
        assert stands(model, ONE)
        with live.route([{"two": 1.0}]), pytest.raises(WrongUsage, match="routed"):
            live.choose = "two"


IDS = torch.arange(7)


def rows(indices, value):
    return Adapter(rows={"": Rows(indices, torch.full((len(indices), 3), float(value)))})


def near(got, wanted):
    return close(got, torch.tensor(wanted, dtype=got.dtype))


def test_a_token_is_one_adapters():
    model = nn.Embedding(7, 3)
    parts = [("a", rows((5, 2), 1), 1.0), ("b", rows((6, 5), 2), 1.0)]
    with pytest.raises(Refused, match="a and b each trained token 5"):
        stack(model, parts)
    with stack(model, parts, choose="b") as live:
        assert near(model(IDS)[[2, 5, 6], 0], [1, 2, 2])
        live.choose = "a"
        assert near(model(IDS)[[2, 5, 6], 0], [1, 1, 2])
        live.only("b")
        assert near(model(IDS)[[5, 6], 0], [2, 2])
        assert torch.equal(model(IDS)[2], model.weight[2])
        with live.route([{"a": 1.0}, {"b": 1.0}, {"a": 1.0, "b": 1.0}, {}]):
            got = model(torch.tensor([[2, 5, 6]] * 4))
    plain = model.weight[:, 0].tolist()
    wanted = [[1, 1, plain[6]], [plain[2], 2, 2], [1, 1, 2], [plain[2], plain[5], plain[6]]]
    assert near(got[..., 0], wanted)


def test_rows_of_the_batch_may_each_have_the_same_token_from_another():
    model = nn.Embedding(7, 3)
    with stack(model, [("a", rows((5,), 1), 1.0), ("b", rows((5,), 2), 0.0)]) as live:
        with live.route([{"a": 1.0}, {"b": 1.0}]):
            assert near(model(torch.tensor([[5], [5]]))[:, 0, 0], [1, 2])
        with pytest.raises(Refused, match="each trained token 5"):
            live.route([{"a": 1.0}, {"a": 1.0, "b": 1.0}])


def test_an_embedding_that_is_used_whole_has_no_tokens_of_others():
    model, whole = nn.Embedding(7, 3), Adapter(tensors={"weight": torch.zeros(7, 3)})
    parts = [("tokens", rows((5,), 1), 1.0), ("whole", whole, 1.0)]
    with pytest.raises(Refused, match="tokens and whole each have"):
        stack(model, parts)
    with stack(model, parts, choose="whole") as live:
        assert not model(IDS).any()
        live.choose = "tokens"
        assert near(model(IDS)[5], [1] * 3)
        assert torch.equal(model(IDS)[4], model.weight[4])
        live.only("whole")
        assert not model(IDS).any()
