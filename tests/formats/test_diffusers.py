"""diffusers: every dialect comes down to the same modules, and files of other programs are left to them."""

import json

import pytest

from adapterhub.errors import Corrupt
from adapterhub.facts import Facts
from adapterhub.formats import diffusers
from tests.formats.foreign_files import Folder, Tensor, checks, safetensors, scalar, zeros

NAME = "pytorch_lora_weights.safetensors"
ATTENTION = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1"
DIALECTS = {
    "lora.down": (f"{ATTENTION}.to_q.lora.down.weight", f"{ATTENTION}.to_q.lora.up.weight"),
    "processor": (f"{ATTENTION}.processor.to_q_lora.down.weight", f"{ATTENTION}.processor.to_q_lora.up.weight"),
    "peft": (f"{ATTENTION}.to_q.lora_A.weight", f"{ATTENTION}.to_q.lora_B.weight"),
    "lora_down": (f"{ATTENTION}.to_q.lora_down.weight", f"{ATTENTION}.to_q.lora_up.weight"),
    "linear layer": (
        f"{ATTENTION}.to_q.lora_linear_layer.down.weight",
        f"{ATTENTION}.to_q.lora_linear_layer.up.weight",
    ),
}


def folder(tensors: dict[str, Tensor], name: str = NAME, **metadata: str) -> Folder:
    return Folder({name: safetensors(tensors, metadata)})


def pair(down: str, up: str) -> dict[str, Tensor]:
    return {down: Tensor(4, 320), up: Tensor(320, 4)}


def facts(tensors: dict[str, Tensor], **metadata: str) -> Facts:
    return diffusers.facts(folder(tensors, **metadata))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_says_the_same(dialect):
    members = folder(pair(*DIALECTS[dialect]), "any.safetensors")
    assert diffusers.claims(members)
    found = diffusers.facts(members)
    assert (found.format, found.type, found.rank, found.ranks) == ("diffusers", "LORA", 4, {"4": 1})
    assert (found.targets, found.modules, found.parameters) == (("to_q",), 1, 2560)
    assert (found.alpha, found.details, found.health) == (None, {"components": {"unet": 1}}, "ok")


def test_the_oldest_files_name_no_component():
    bare = {name.removeprefix("unet."): tensor for name, tensor in pair(*DIALECTS["processor"]).items()}
    assert facts(bare).details == {"components": {"unet": 1}}


def test_components_are_counted_and_numbers_stay_with_their_word():
    text = pair(
        "text_encoder.l.0.q_proj.lora_linear_layer.down.weight", "text_encoder.l.0.q_proj.lora_linear_layer.up.weight"
    )
    found = facts(pair(f"{ATTENTION}.to_out.0.lora.down.weight", f"{ATTENTION}.to_out.0.lora.up.weight") | text)
    assert found.details["components"] == {"text_encoder": 1, "unet": 1}
    assert found.targets == ("q_proj", "to_out.0")


@pytest.mark.parametrize("end", [".to_q.alpha", ".processor.to_q_lora.alpha", ".to_q.lora.alpha"])
def test_an_alpha_belongs_to_its_pair(end):
    found = facts({**pair(*DIALECTS["lora.down"]), ATTENTION + end: scalar(2.5, "BF16")})
    assert (found.alpha, found.modules, found.parameters) == (2.5, 1, 2560)


def test_the_alpha_of_a_packed_config_is_found():
    config = {"unet.r": 4, "unet.lora_alpha": 8, "unet.use_rslora": True, "unet.base_model_name_or_path": "org/base"}
    found = facts(pair(*DIALECTS["peft"]), lora_adapter_metadata=json.dumps(config))
    assert (found.alpha, found.base_name, found.details["use_rslora"]) == (8.0, "org/base", True)


def test_components_with_different_alphas_have_none_in_common():
    config = {"unet.lora_alpha": 8, "text_encoder.lora_alpha": 4}
    assert facts(pair(*DIALECTS["peft"]), lora_adapter_metadata=json.dumps(config)).alpha is None


@pytest.mark.parametrize("config", ["{", "[]", '{"unet.lora_alpha": "8"}'])
def test_a_packed_config_that_cannot_be_read_is_refused(config):
    with pytest.raises(Corrupt, match=NAME):
        facts(pair(*DIALECTS["peft"]), lora_adapter_metadata=config)


def test_magnitudes_are_dora():
    found = facts({**pair(*DIALECTS["peft"]), f"{ATTENTION}.to_q.lora_magnitude_vector": Tensor(320)})
    assert (found.details["use_dora"], found.health) == (True, "ok")


@pytest.mark.parametrize(
    ("tensors", "check"),
    [
        ({DIALECTS["peft"][0]: Tensor(4, 320)}, "missing-half"),
        ({**pair(*DIALECTS["peft"]), "unet.odd": Tensor(1)}, "unexplained-tensors"),
        ({**pair(*DIALECTS["peft"]), DIALECTS["peft"][1]: zeros(320, 4)}, "untrained"),
        ({**pair(*DIALECTS["peft"]), DIALECTS["peft"][1]: Tensor(320, 5)}, "factor-shapes"),
        ({}, "no-factors"),
    ],
)
def test_what_is_wrong_with_the_tensors_is_found(tensors, check):
    assert checks(facts(tensors)) == [check]


def test_two_dialects_for_one_part_are_refused():
    with pytest.raises(Corrupt, match="are both the down"):
        facts(pair(*DIALECTS["peft"]) | pair(*DIALECTS["lora.down"]))


def test_a_file_under_its_own_name_is_claimed_even_when_it_is_broken():
    assert diffusers.claims(Folder({NAME: b"\xff" * 8 + b"{}"}))
    assert not diffusers.claims(Folder({"any.safetensors": b"\xff" * 8 + b"{}"}))


@pytest.mark.parametrize(
    "names",
    [
        ("lora_unet_mid_block_attn1_to_q.lora_down.weight", "lora_unet_mid_block_attn1_to_q.lora_up.weight"),
        ("base_model.model.q_proj.lora_A.weight", "base_model.model.q_proj.lora_B.weight"),
        ("model.layers.0.lora_a", "model.layers.0.lora_b"),
    ],
)
def test_files_of_other_programs_are_not_claimed(names):
    assert not diffusers.claims(folder(pair(*names), "any.safetensors"))


def test_kohyas_names_under_diffusers_name_are_left_to_kohya():
    assert not diffusers.claims(folder(pair("lora_unet_x_to_q.lora_down.weight", "lora_unet_x_to_q.lora_up.weight")))
