"""Checkpoints on disk: what comes out is what transformers reads, and what the same done in memory gives."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    AutoModel,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    BertModel,
    Dinov2Config,
    Dinov2ForImageClassification,
)

from adapterhub.base.card import card_of
from adapterhub.errors import DoesNotFit, Refused
from adapterhub.formats.members import FolderMembers
from adapterhub.train.compress import prune as pruning
from adapterhub.train.compress import stages
from adapterhub.train.compress.compare import compare
from adapterhub.train.compress.folders import open_folder, read_folder
from adapterhub.train.compress.int8 import quantise, torchao
from adapterhub.train.compress.load import load
from adapterhub.train.compress.observe import Scale, observe
from adapterhub.train.quiet import quiet
from tests.compose.builders import ask, tiny
from tests.train.compress.builders import Reader, reader


def told(count):
    """Nobody listens."""


def saved(folder, kind="bert", **how):
    tiny(kind).save_pretrained(folder, **how)
    return open_folder(folder)


def bert(folder):
    """A checkpoint as transformers opens it; torchao is imported first, since it is not quiet."""
    torchao()
    with quiet():
        return AutoModelForSequenceClassification.from_pretrained(folder).eval()


@pytest.mark.parametrize("how", [{}, {"max_shard_size": "5KB"}], ids=["one file", "many"])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_a_folder_is_pruned_as_a_model_in_memory_is(tmp_path, how, scope):
    source = saved(tmp_path / "base", **how)
    stages.prune(source, tmp_path / "out", 0.7, told, scope=scope)
    model = tiny("bert")
    pruning.prune(model, 0.7, scope=scope)
    pruned = bert(tmp_path / "out")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, pruned.state_dict()[name]), name
    assert sorted(read_folder(tmp_path / "out").shards()) == sorted(source.shards())
    found = compare(source, read_folder(tmp_path / "out"))
    assert found.zeros == (int(0.7 * found.numbers + 0.5) if scope == "global" else found.zeros)
    assert found.bytes_after == found.bytes_before


@pytest.mark.parametrize("how", [{}, {"max_shard_size": "5KB"}], ids=["one file", "many"])
@torch.no_grad()
def test_what_lies_there_in_eight_bits_transformers_reads(tmp_path, how):
    source = saved(tmp_path / "base", **how)
    stages.quantise(source, tmp_path / "out", told, method="histogram-mse")
    read, model = bert(tmp_path / "out"), tiny("bert")
    quantise(model, method="histogram-mse")
    assert torch.allclose(ask(read, "bert"), ask(model, "bert"), atol=1e-6)
    layer = read.bert.encoder.layer[0].attention.self.query
    assert isinstance(layer.weight, torchao().Int8Tensor)
    assert torch.equal(layer.weight.qdata, model.bert.encoder.layer[0].attention.self.query.weight.qdata)
    assert type(read.classifier.weight) is nn.Parameter
    found = compare(source, read_folder(tmp_path / "out"))
    assert 0 < found.loss.relative < 0.01
    assert found.bytes_after < found.bytes_before


@torch.no_grad()
def test_a_model_without_its_head_and_one_below_another_head_are_read_too(tmp_path):
    source = saved(tmp_path / "base")
    stages.quantise(source, tmp_path / "out", told)
    whole = bert(tmp_path / "out")
    with quiet():
        inner = AutoModel.from_pretrained(tmp_path / "out").eval()
    tokens = torch.arange(6)[None]
    assert torch.equal(inner(tokens).last_hidden_state, whole.bert(tokens).last_hidden_state)
    BertModel.from_pretrained(tmp_path / "base").save_pretrained(tmp_path / "bare")
    stages.quantise(open_folder(tmp_path / "bare"), tmp_path / "bare8", told)
    assert torch.equal(bert(tmp_path / "bare8").bert(tokens).last_hidden_state, whole.bert(tokens).last_hidden_state)


@torch.no_grad()
@pytest.mark.parametrize("how", [{}, {"max_shard_size": "5KB"}], ids=["one file", "many"])
def test_a_model_whose_names_changed_is_read_by_transformers_too(tmp_path, how):
    source = saved(tmp_path / "base", "vit", **how)
    assert "vit.encoder.layer.0.attention.attention.key.weight" in source.rows
    stages.quantise(source, tmp_path / "out", told)
    model = tiny("vit")
    quantise(model)
    with quiet():
        read, info = AutoModelForImageClassification.from_pretrained(tmp_path / "out", output_loading_info=True)
        inner = AutoModel.from_pretrained(tmp_path / "out", add_pooling_layer=False).eval()
    assert not any(info[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert torch.equal(ask(read.eval(), "vit"), ask(model, "vit"))
    assert isinstance(read.vit.layers[0].attention.k_proj.weight, torchao().Int8Tensor)
    pixels = torch.rand(2, 3, 8, 8)
    assert torch.equal(inner(pixels).last_hidden_state, read.vit(pixels).last_hidden_state)
    with quiet():
        AutoModel.from_pretrained(tmp_path / "base", add_pooling_layer=False).save_pretrained(tmp_path / "bare")
    stages.quantise(open_folder(tmp_path / "bare"), tmp_path / "bare8", told)
    with quiet():
        below = AutoModelForImageClassification.from_pretrained(tmp_path / "bare8").eval()
    assert torch.equal(below.vit(pixels).last_hidden_state, read.vit(pixels).last_hidden_state)


@torch.no_grad()
def test_a_weight_transformers_cuts_in_two_stays_in_floats(tmp_path):
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 8, "patch_size": 4}
    model = Dinov2ForImageClassification(Dinov2Config(use_swiglu_ffn=True, **sizes)).eval()
    model.save_pretrained(tmp_path / "base")
    stages.quantise(open_folder(tmp_path / "base"), tmp_path / "out", told)
    with quiet():
        read, info = Dinov2ForImageClassification.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not info["missing_keys"]
    layer, was = read.dinov2.encoder.layer[0], model.dinov2.encoder.layer[0]
    assert isinstance(layer.attention.q_proj.weight, torchao().Int8Tensor)
    assert torch.equal(layer.mlp.gate_proj.weight, was.mlp.gate_proj.weight)


def test_the_same_checkpoint_gives_the_same_bytes(tmp_path):
    source = saved(tmp_path / "base", max_shard_size="5KB")
    for out in ("one", "two"):
        stages.quantise(source, tmp_path / out, told, scales={"b": Scale(0.5, 2), "a": Scale(0.25, 3)})
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert json.loads((tmp_path / "one" / "config.json").read_text())["activation_scales"]["b"] == [0.5, 2]


def test_a_base_card_knows_the_weights_of_eight_bits(tmp_path):
    stages.quantise(saved(tmp_path / "base"), tmp_path / "out", told)
    members = FolderMembers({path.name: path for path in (tmp_path / "out").iterdir()})
    card = card_of(members)
    module = "bert.encoder.layer.0.attention.self.query"
    assert card.quantised[module] == "torchao-int8"
    assert card.weights[module].shape == (16, 16)
    assert "classifier" not in card.quantised
    assert card.weights_digest


def test_zeros_come_back_after_something_was_added(tmp_path):
    pruned = saved(tmp_path / "base")
    stages.prune(pruned, tmp_path / "pruned", 0.6, told, scope="global")
    pruned = open_folder(tmp_path / "pruned")
    model = bert(tmp_path / "pruned")
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter)
    model.save_pretrained(tmp_path / "added")
    stages.mask(pruned, open_folder(tmp_path / "added"), tmp_path / "out", told)
    after = load_file(tmp_path / "out" / "model.safetensors")
    added = load_file(tmp_path / "added" / "model.safetensors")
    before = load_file(tmp_path / "pruned" / "model.safetensors")
    name = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(after[name] == 0, before[name] == 0)
    assert torch.equal(after[name][after[name] != 0], added[name][before[name] != 0])
    assert torch.equal(after["classifier.weight"], added["classifier.weight"])
    assert torch.equal(after["bert.embeddings.word_embeddings.weight"], added["bert.embeddings.word_embeddings.weight"])


def test_layers_that_are_stored_transposed_are_pruned_and_not_quantised(tmp_path):
    source = saved(tmp_path / "base", "gpt2")
    stages.prune(source, tmp_path / "out", 0.5, told, scope="global")
    assert (load_file(tmp_path / "out" / "model.safetensors")["transformer.h.0.attn.c_attn.weight"] == 0).any()
    with pytest.raises(DoesNotFit, match="no linear layer to quantise"):
        stages.quantise(source, tmp_path / "more", told)


def test_what_is_quantised_already_is_refused(tmp_path):
    stages.quantise(saved(tmp_path / "base"), tmp_path / "out", told)
    with pytest.raises(Refused, match=r"quantised already \(torchao\)"):
        open_folder(tmp_path / "out")


@torch.no_grad()
def test_any_module_is_read_back_from_a_folder(tmp_path):
    model = reader()
    (tmp_path / "plain").mkdir()
    save_file(model.state_dict(), tmp_path / "plain" / "model.safetensors")
    x = torch.rand(5, 64)
    stages.quantise(open_folder(tmp_path / "plain"), tmp_path / "out", told)
    fresh = Reader().eval()
    load(fresh, tmp_path / "out")
    quantise(model)
    assert torch.equal(fresh(x), model(x))
    with pytest.raises(DoesNotFit, match=r"size mismatch|Missing"):
        load(Reader(hidden=32), tmp_path / "plain")


@torch.no_grad()
def test_scales_of_activations_travel_with_the_checkpoint(tmp_path):
    source = saved(tmp_path / "base")
    model = tiny("bert")
    scales = observe(model, lambda: ask(model, "bert"), "percentile")
    stages.quantise(source, tmp_path / "out", told, scales=scales)
    quantise(model, activations=scales)
    fresh = tiny("bert")
    load(fresh, tmp_path / "out")
    assert torch.allclose(ask(fresh, "bert"), ask(model, "bert"), atol=1e-6)
    assert not torch.equal(ask(fresh, "bert"), ask(bert(tmp_path / "out"), "bert")), "transformers leaves them alone"
