"""Whole models."""

import json

import pytest

from adapterhub.errors import Corrupt, NotFound, Refused
from adapterhub.formats.checkpoint import claims, facts, weight_files
from tests.formats.foreign_files import Folder, Tensor, safetensors

CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "_name_or_path": "org/base"}
ONE, TWO = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"


def model(weight_map=None, **content):
    content = {"config.json": json.dumps(CONFIG).encode(), **content}
    if weight_map is not None:
        content[INDEX] = json.dumps({"weight_map": weight_map}).encode()
    return Folder(content)


def sharded(**changes):
    shards = {ONE: safetensors({"a": Tensor(2, 3)}), TWO: safetensors({"b": Tensor(4, dtype="BF16")})}
    return model(changes.pop("weight_map", {"a": ONE, "b": TWO}), **{**shards, **changes})


def test_one_file_is_a_model():
    told = facts(model(**{"model.safetensors": safetensors({"w": Tensor(2, 3), "n": Tensor(2, dtype="F16")})}))
    assert (told.kind, told.format, told.type, told.parameters, told.dtype) == (
        "model",
        "checkpoint",
        "llama",
        8,
        "F32",
    )
    assert told.details["architectures"] == ["LlamaForCausalLM"]
    assert told.details["tensors"] == 2


@pytest.mark.parametrize("odd", [5, "LlamaForCausalLM", {"a": 1}, None, [5, None]], ids=str)
def test_architectures_that_are_no_list_of_words_are_none(odd):
    config = json.dumps({**CONFIG, "architectures": odd}).encode()
    told = facts(model(**{"config.json": config, "model.safetensors": safetensors({"w": Tensor(2, 3)})}))
    assert told.details["architectures"] == []


def test_shards_are_one_model():
    told = facts(sharded())
    assert told.parameters == 10
    assert told.details["files"] == 2
    assert told.details["dtypes"] == {"BF16": 1, "F32": 1}


def test_what_the_index_does_not_name_is_no_part():
    stale = sharded(**{"model-old.safetensors": b"rubbish"})
    assert weight_files(stale) == (INDEX, ONE, TWO)
    assert facts(stale).parameters == 10


def test_a_component_of_diffusers_is_a_model():
    content = {"diffusion_pytorch_model.safetensors": safetensors({"w": Tensor(2)}),
               "config.json": b'{"_class_name": "UNet2DConditionModel"}'}  # fmt: skip
    assert claims(Folder(content))
    assert facts(Folder(content)).type == "UNet2DConditionModel"


@pytest.mark.parametrize("names", [["config.json"], ["model.safetensors"], ["config.json", "lora.safetensors"]])
def test_less_is_no_model(names):
    assert not claims(Folder(dict.fromkeys(names, b"{}")))


@pytest.mark.parametrize(
    ("members", "kind", "words"),
    [
        (model(**{"pytorch_model.bin": b"\x80\x02."}), Refused, "pytorch_model.bin: the weights are a pickle"),
        (sharded(weight_map={"a": ONE, "b": "lost.safetensors"}), NotFound, "lost.safetensors: the index names it"),
        (sharded(weight_map={"a": ONE, "b": "../x.safetensors"}), Corrupt, "no safetensors file in this folder"),
        (sharded(weight_map={"a": ONE, "c": TWO}), Corrupt, "names 1 tensors that are in no file: c"),
        (sharded(weight_map={}), Corrupt, "weight_map"),
        (sharded(weight_map=["a"]), Corrupt, "weight_map"),
        (sharded(**{TWO: safetensors({"a": Tensor(1)})}), Corrupt, "lies in another file too"),
        (sharded(**{TWO: b"version https://git-lfs.github.com/spec/v1\n"}), Corrupt, "Git LFS pointer"),
        (model(**{"model.safetensors": safetensors({})}), Corrupt, "no tensors"),
        (model(**{"model.safetensors": safetensors({"w": Tensor(2)}), "config.json": b"["}), Corrupt, "config.json"),
    ],
)
def test_what_cannot_be_a_model_is_an_error(members, kind, words):
    assert claims(members)
    with pytest.raises(kind) as told:
        facts(members)
    assert words in str(told.value)


def test_transformers_writes_what_is_read_here(tmp_path):
    from transformers import BertConfig, BertModel

    from adapterhub.formats.members import FolderMembers

    tiny = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=11)
    made = BertModel(tiny)
    made.save_pretrained(tmp_path, max_shard_size="1KB")
    told = facts(FolderMembers({path.name: path for path in tmp_path.iterdir()}))
    assert told.type == "bert"
    assert told.parameters == sum(p.numel() for p in made.parameters())
    assert told.details["files"] > 1
