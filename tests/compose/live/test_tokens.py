"""Trained tokens: as few rows as were trained, exact, at any weight and in any row of the batch."""

import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import DoesNotFit
from adapterhub.lora.adapter import Adapter, Rows
from adapterhub.lora.delta import Delta, Form
from tests.compose.builders import ask, tiny
from tests.compose.live.test_stack import close

EMBED = "model.embed_tokens"


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def trained(module="", indices=(5, 2), dim=3, seed=3):
    torch.manual_seed(seed)
    return Adapter(rows={module: Rows(indices, torch.randn(len(indices), dim))})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_trained_row_is_what_is_looked_up(dtype):
    model, one = nn.Embedding(7, 3).to(dtype), trained()
    with stack(model, [("a", one, 1.0)]):
        for ids in (torch.arange(7), torch.arange(7, dtype=torch.int32), torch.tensor([[5, 2], [2, 5]])):
            got, wanted = model(ids), model.weight.clone()
            wanted[[5, 2]] = one.rows[""].values.to(dtype)
            assert got.dtype == dtype
            assert torch.allclose(got, wanted[ids.long()], rtol=0, atol=1e-6 if dtype == torch.float32 else 0)


def test_hundreds_of_tokens_of_a_large_vocabulary_take_little_memory():
    model, indices = nn.Embedding(60000, 8), tuple(range(59500, 60000))
    with stack(model, [("a", trained(indices=indices, dim=8), 1.0)]):
        gate = next(iter(model._forward_hooks.values())).gates[0]
        held = [gate._tokens["a"].index, gate._tokens["a"].change]
        assert sum(tensor.nbytes for tensor in held) < model.weight.nbytes / 50
        assert gate._slots is None


def test_every_embedding_that_shares_the_weight_has_the_tokens():
    """T5 looks up in an embedding for each side, which share the weight of one that nobody calls."""
    model, one = nn.ModuleDict({"shared": nn.Embedding(7, 3), "encoder": nn.Embedding(7, 3)}), trained("shared")
    model["encoder"].weight = model["shared"].weight
    with stack(model, [("a", one, 1.0)]):
        for layer in model.values():
            assert close(layer(torch.tensor([5, 2])), one.rows["shared"].values)


def test_an_embedding_of_two_paths_has_its_tokens_once():
    body = nn.ModuleDict({"embed": nn.Embedding(7, 3)})
    model, one = nn.ModuleDict({"body": body, "same": body}), trained("body.embed")
    with stack(model, [("a", one, 0.5)]):
        wanted = (model["body"]["embed"].weight[[5, 2]] + one.rows["body.embed"].values) / 2
        assert close(body["embed"](torch.tensor([5, 2])), wanted)


@pytest.mark.parametrize("compiled", [False, True])
def test_an_output_layer_that_shares_the_embedding_is_routed_too(compiled):
    torch._dynamo.reset()
    model = tiny("llama", tie_word_embeddings=True)
    call = torch.compile(model, backend="eager") if compiled else model
    parts = [("a", trained(EMBED, (5, 2), 16), 1.0), ("b", trained(EMBED, (7, 9), 16, 4), 1.0)]
    rows = [{"a": 1.0}, {}, {"a": -0.5, "b": 2.0}]
    with stack(model, parts) as live:
        wanted = []
        for n, row in enumerate(rows):
            live.weights = row
            wanted.append(ask(call, "llama")[n])
        with live.route(rows):
            got = ask(call, "llama")
    assert close(got, torch.stack(wanted))
    changed = tiny("llama", tie_word_embeddings=True)
    own = changed.model.embed_tokens.weight
    for (_, one, _), weight in zip(parts, (-0.5, 2.0), strict=True):
        index = list(one.rows[EMBED].indices)
        own[index] += weight * (one.rows[EMBED].values - own[index])
    assert close(got[2], ask(changed, "llama")[2], 1e-4)
    torch._dynamo.reset()


def test_a_broken_row_of_an_adapter_that_is_off_reaches_nobody():
    model = nn.Embedding(7, 3)
    bad = Adapter(rows={"": Rows((5,), torch.full((1, 3), torch.nan))})
    with stack(model, [("a", trained(indices=(1, 5)), 1.0), ("bad", bad, 0.0)]) as live:
        assert torch.isfinite(model(torch.arange(7))).all()
        with live.route([{"bad": 1.0}, {"a": 1.0}]):
            assert torch.isfinite(model(torch.tensor([[5], [5]]))).flatten(1).all(1).tolist() == [False, True]


def test_gradients_pass_tokens():
    model = tiny("llama", tie_word_embeddings=True)
    with torch.enable_grad(), stack(model, [("a", trained(EMBED, (5, 2), 16), 1.0)]):
        model(input_ids=torch.tensor([[5, 2, 1]])).logits.sum().backward()
    assert torch.isfinite(model.model.embed_tokens.weight.grad).all()


@pytest.mark.parametrize(
    ("model", "reason"),
    [(nn.Conv1d(4, 6, 3), "has no rows for tokens: it is Conv1d"), (nn.LayerNorm(3), "has no rows for tokens")],
)
def test_only_what_has_rows_has_tokens(model, reason):
    with pytest.raises(DoesNotFit, match=reason):
        stack(model, [("a", trained(), 1.0)])


def test_a_token_that_was_trained_twice_is_refused():
    with pytest.raises(DoesNotFit, match="trained token 5 twice"):
        stack(nn.Embedding(7, 3), [("a", trained(indices=(5, 2, 5)), 1.0)])


def test_tokens_of_several_adapters_are_changes_of_the_same_rows():
    model = nn.Embedding(7, 3)
    one, other = torch.randn(2, 3), torch.randn(1, 3)
    parts = [("a", Adapter(rows={"": Rows((2, 5), one)}), 1.0), ("b", Adapter(rows={"": Rows((6,), other)}), 1.0)]
    with stack(model, parts) as live:
        wanted = model.weight.clone()
        wanted[[2, 5]], wanted[6] = one, other[0]
        ids = torch.arange(7)
        assert close(model(ids), wanted)
        live.weights = {"a": 1.0}
        assert torch.equal(model(ids)[6], model.weight[6])
        assert torch.equal(model(ids)[0], model.weight[0])


def test_one_adapter_changes_an_embedding_twice():
    """Factors and trained tokens on the same module are both counted, and taken off together."""
    model = nn.Embedding(7, 3)
    low = Delta(torch.randn(2, 7), torch.randn(3, 2), 1.0, Form("embedding"))
    both = Adapter({"": low}, rows={"": Rows((2,), torch.zeros(1, 3))})
    with stack(model, [("a", both, 1.0), ("b", Adapter({"": low}), 1.0)]) as live:
        wanted = model.weight + 2 * low.dense().T
        wanted[2] -= model.weight[2]
        assert close(model(torch.arange(7)), wanted)
        live.weights = {"b": 1.0}
        assert close(model(torch.arange(7)), model.weight + low.dense().T)
