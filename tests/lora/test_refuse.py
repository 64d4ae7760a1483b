"""What cannot be composed is refused with what it is, before anything is read as if it could."""

import pytest
import torch

from adapterhub.errors import Refused
from adapterhub.formats.peft_keys import build_key
from adapterhub.lora.load import load, outline
from tests.lora.builders import entry_of, factors, peft_folder

PREFIX = "base_model.model."
Q = "layers.0.q_proj"


def refused(folder, says):
    for read in (load, outline):
        with pytest.raises(Refused) as refusal:
            read(entry_of(folder), "ada/poet")
        assert str(refusal.value).startswith("ada/poet: ")
        assert says in str(refusal.value)
        assert refusal.value.hint


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("OFT", "it rotates the weights"),
        ("BOFT", "butterfly rotations"),
        ("HRA", "it reflects the weights"),
        ("HIRA", "entry by entry"),
        ("PREFIX_TUNING", "a prefix of keys and values"),
        ("PROMPT_TUNING", "a prompt of trained vectors"),
        ("P_TUNING", "a prompt of trained vectors"),
        ("ADAPTION_PROMPT", "a prompt inside the attention"),
        ("FOURIERFT", "not as a product of two factors"),
        ("XLORA", "several adapters for every input"),
        ("FINEGATES", "it is not known how"),
    ],
)
def test_other_types_are_told_by_what_they_do(tmp_path, kind, says):
    tensors = {f"{PREFIX}{Q}.oft_R.weight": torch.ones(2, 3)}
    folder = peft_folder(tmp_path, {}, extra=tensors, peft_type=kind)
    refused(folder, f"an adapter of the type {kind} cannot be composed: ")
    refused(folder, says)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"alora_invocation_tokens": [1]}, "it is aLoRA"),
        ({"arrow_config": {"top_k": 1}}, "an Arrow router"),
        ({"enable_lora": [True, False, True]}, "some thirds of a merged layer"),
        ({"kasa_config": {"beta": 1}}, "it is KaSA"),
        ({"layer_replication": [[0, 4]]}, "layers were replicated"),
        ({"use_bdlora": {"nblocks": 2}}, "block-diagonal"),
        ({"use_qalora": True}, "QALoRA"),
        ({"init_lora_weights": "pissa_niter_16"}, "init_lora_weights is 'pissa_niter_16'"),
        ({"init_lora_weights": "OLoRA"}, "training changed the base too"),
    ],
)
def test_settings_that_change_what_factors_mean_are_told(tmp_path, config, says):
    refused(peft_folder(tmp_path, factors([Q]), **config), says)


@pytest.mark.parametrize("how", [True, False, "gaussian", "eva", "orthogonal", None])
def test_other_beginnings_leave_the_base_alone(tmp_path, how):
    assert list(load(entry_of(peft_folder(tmp_path, factors([Q]), init_lora_weights=how))).deltas) == [Q]


@pytest.mark.parametrize("name", [build_key("v", "A"), f"{PREFIX}v.hada_w1_a"])
def test_factors_of_whole_numbers_are_refused(tmp_path, name):
    extra = {name: torch.ones(2, 5, dtype=torch.int8)}
    refused(peft_folder(tmp_path, factors([Q]), extra=extra), f"{name} is I8, not one of F64, F32")


def test_whole_tensors_of_eight_bit_floats_are_refused(tmp_path):
    extra = {f"{PREFIX}score.weight": torch.ones(2, 5).to(torch.float8_e4m3fn)}
    refused(peft_folder(tmp_path, factors([Q]), extra=extra), "score.weight is F8_E4M3, not one of")


def test_the_tensors_of_another_tuner_are_not_left_out(tmp_path):
    extra = {f"{PREFIX}{Q}.oft_R.weight": torch.ones(2, 3)}
    refused(peft_folder(tmp_path, factors([Q]), extra=extra), "oft_R.weight: neither a factor that is known here")
