"""Folders of the adapters library: the method by the config, the weights only where they are no pickle."""

import json

import pytest

from adapterhub.errors import Corrupt, NotFound, Refused
from adapterhub.facts import Facts
from adapterhub.formats import adapters
from tests.formats.foreign_files import Folder, Tensor, checks, safetensors

CONFIG = {
    "config": {"reduction_factor": 16, "non_linearity": "relu"},
    "hidden_size": 64,
    "model_class": "BertAdapterModel",
    "model_name": "org/bert",
    "model_type": "bert",
    "name": "poet",
    "version": "adapters.1.2.0",
}
LORA = {**CONFIG, "config": {"architecture": "lora", "r": 2, "alpha": 4, "attn_matrices": ["v", "q"]}}
LAYER = "bert.encoder.layer.0"
BOTTLENECK = {
    f"{LAYER}.output.adapters.poet.adapter_down.0.weight": Tensor(4, 64),
    f"{LAYER}.output.adapters.poet.adapter_up.weight": Tensor(64, 4),
}
PAIR = {
    f"{LAYER}.attention.self.query.loras.poet.lora_A": Tensor(2, 64),
    f"{LAYER}.attention.self.query.loras.poet.lora_B": Tensor(64, 2),
}


def folder(config: object = CONFIG, tensors: dict[str, Tensor] | None = BOTTLENECK, **more: bytes) -> Folder:
    files = {"adapter_config.json": json.dumps(config).encode(), **more}
    return Folder(files if tensors is None else {**files, "adapter.safetensors": safetensors(tensors)})


def facts(config: object = CONFIG, tensors: dict[str, Tensor] = BOTTLENECK) -> Facts:
    assert adapters.claims(folder(config, tensors))
    return adapters.facts(folder(config, tensors))


def test_a_bottleneck_is_described():
    found = facts()
    assert (found.format, found.type, found.base_name) == ("adapters", "adapters:bottleneck", "org/bert")
    assert (found.rank, found.modules, found.dtype, found.parameters) == (None, 1, "F32", 512)
    assert (found.details["reduction_factor"], found.details["name"], found.health) == (16, "poet", "ok")


def test_a_lora_has_the_rank_of_its_tensors():
    found = facts(LORA, PAIR)
    assert (found.type, found.rank, found.alpha, found.targets) == ("adapters:lora", 2, 4.0, ("q", "v"))
    assert (found.modules, found.parameters) == (1, 256)


def test_what_is_added_to_one_place_is_one_module():
    other = {name.replace("layer.0", "layer.1"): tensor for name, tensor in BOTTLENECK.items()}
    whole = {"bert.invertible_adapters.poet.F.0.weight": Tensor(4, 4)}
    assert facts(CONFIG, BOTTLENECK | other | whole).modules == 3


def test_a_name_of_any_length_is_read_at_once():
    assert facts(CONFIG, {"a" * 200_000: Tensor(1)}).modules == 1


def test_a_config_that_is_only_a_name_is_a_bottleneck():
    found = facts({**CONFIG, "config": "pfeiffer"})
    assert (found.type, found.details["config"]) == ("adapters:bottleneck", "pfeiffer")


def test_a_head_beside_it_is_told():
    assert adapters.facts(folder(**{"model_head.safetensors": b""})).details["head"] is True


def test_a_file_without_tensors_is_found():
    assert checks(facts(CONFIG, {})) == ["no-factors"]


def test_weights_that_are_a_pickle_are_refused():
    members = folder(tensors=None, **{"pytorch_adapter.bin": b"\x80\x04."})
    assert adapters.claims(members)
    with pytest.raises(Refused, match=r"pytorch_adapter\.bin: .*pickle"):
        adapters.facts(members)


def test_a_config_alone_misses_its_weights():
    with pytest.raises(NotFound, match="no weights"):
        adapters.facts(folder(tensors=None))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model_name": 3}, "model_name"),
        ({"config": []}, "config"),
        ({"config": {"architecture": 1}}, "architecture"),
        ({"config": {"alpha": "x"}}, "alpha"),
        ({"config": {"attn_matrices": "q"}}, "attn_matrices"),
    ],
)
def test_a_config_of_the_wrong_kind_is_refused_by_field(change, field):
    with pytest.raises(Corrupt, match=rf"adapter_config\.json: {field}"):
        facts({**CONFIG, **change})


@pytest.mark.parametrize(
    "files",
    [
        {"adapter_config.json": b'{"peft_type": "LORA", "version": "1", "config": {}, "model_type": "x"}'},
        {"adapter_config.json": b'{"lora_parameters": {}, "config": null, "model": "x"}'},
        {"adapter.safetensors": safetensors(PAIR)},
        {"adapter_config.json": b"{"},
    ],
)
def test_files_of_somebody_else_are_not_claimed(files):
    assert not adapters.claims(Folder(files))
