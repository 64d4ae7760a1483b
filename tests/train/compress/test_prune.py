"""Pruning live models, with torch's own pruning as judge."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import prune as theirs

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.train.compress.prune import prune, zeros
from adapterhub.train.compress.targets import live
from tests.train.compress.builders import Reader


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Reader()


def test_the_smallest_of_all_weights_go_as_torch_prunes_them(model):
    judge = copy.deepcopy(model)
    theirs.global_unstructured([(judge.first, "weight"), (judge.second, "weight")], theirs.L1Unstructured, amount=0.9)
    losses = prune(model, 0.9)
    assert torch.equal(model.first.weight, judge.first.weight)
    assert torch.equal(model.second.weight, judge.second.weight)
    before, after = judge.first.weight_orig.detach(), judge.first.weight.detach()
    assert losses["first.weight"].relative == pytest.approx(float((before - after).norm() / before.norm()), rel=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.333, 0.9, 0.999])
def test_the_share_is_exact(model, share):
    prune(model, share)
    weights = live(model).values()
    count = sum(weight.numel() for weight in weights)
    assert round(zeros(weights) * count) == int(share * count + 0.5)


def test_each_layer_can_lose_the_same_share(model):
    model.first.weight.data *= 100
    alike = copy.deepcopy(model)
    prune(model, 0.5, scope="global")
    assert zeros([model.first.weight]) < 0.1
    prune(alike, 0.5, scope="layer")
    assert zeros([alike.first.weight]) == zeros([alike.second.weight]) == 0.5


def test_heads_embeddings_norms_and_biases_stay(model):
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.word_embeddings, self.layer = nn.Embedding(9, 8), nn.Linear(8, 8)
            self.norm, self.conv, self.classifier = nn.LayerNorm(8), nn.Conv1d(8, 8, 3), nn.Linear(8, 2)

    text = Text()
    assert list(live(text)) == ["conv.weight", "layer.weight"]
    assert list(live(text, keep=["conv"])) == ["layer.weight"]
    before = {name: tensor.clone() for name, tensor in text.state_dict().items()}
    prune(text, 0.5)
    changed = {name for name, tensor in text.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"conv.weight", "layer.weight"}


def test_pruning_twice_counts_what_is_gone_already(model):
    prune(model, 0.5)
    prune(model, 0.5)
    assert zeros(live(model).values()) == 0.5


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan")])
def test_a_share_that_leaves_nothing_is_no_share(model, share):
    with pytest.raises(WrongUsage, match="at least 0 and below 1"):
        prune(model, share)


def test_where_nothing_can_be_pruned_it_is_said(model):
    with pytest.raises(NotFound, match="first, second are kept"):
        prune(model, 0.5, keep=["first", "second"])
