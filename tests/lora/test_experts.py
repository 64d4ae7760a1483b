"""Experts in one parameter: PEFT comes to the same weights, whichever lies deepest."""

import pytest
import torch
from peft import LoraConfig

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.peft_keys import build_key
from adapterhub.lora.load import load
from tests.lora.builders import entry_of
from tests.lora.judge import assert_as_peft, edit_config, trained
from tests.lora.test_factored import tampered

BOTH = ["experts.gate_up_proj", "experts.down_proj"]


def config(*parameters, **fields):
    return LoraConfig(r=2, lora_alpha=6, target_modules=["lin"], target_parameters=list(parameters), **fields)


def loaded(folder):
    return load(entry_of(folder), "ada/poet")


@pytest.mark.parametrize("parameters", [BOTH, BOTH[:1], BOTH[1:]])
def test_each_expert_has_a_delta_of_its_own(tmp_path, parameters):
    trained(tmp_path, config(*parameters))
    experts = {f"{name}[{e}]" for name in parameters for e in range(3)}
    assert set(loaded(tmp_path).deltas) == {"lin", *experts}
    assert_as_peft(tmp_path, "lin.weight", *parameters)


@pytest.mark.parametrize("targets", [["lin"], "li."])
def test_names_without_a_path_mean_the_parameters_of_any_module(tmp_path, targets):
    """As peft writes them for "all-linear" and a mixture of experts."""
    fields = {"rank_pattern": {r".*\.gate_up_proj": 4}, "alpha_pattern": {r".*\.gate_up_proj": 5}}
    trained(
        tmp_path, LoraConfig(r=2, target_modules=targets, target_parameters=["down_proj", "gate_up_proj"], **fields)
    )
    adapter = loaded(tmp_path)
    assert adapter.deltas["experts.gate_up_proj[1]"].rank == 4
    assert "lin" in adapter.deltas
    assert_as_peft(tmp_path, "lin.weight", *BOTH)


def test_a_parameter_that_was_named_and_not_trained_leaves_open_which_was(tmp_path):
    trained(tmp_path, config("gate_up_proj"))
    edit_config(tmp_path, target_parameters=["down_proj", "gate_up_proj"])
    with pytest.raises(Refused, match=r"names 2 parameters \(down_proj, gate_up_proj\), and there are factors of 1"):
        loaded(tmp_path)


def test_patterns_see_the_parameter_and_not_the_module(tmp_path):
    patterns = {"rank_pattern": {"experts.down_proj": 3}, "alpha_pattern": {"gate_up_proj": 5}}
    trained(tmp_path, config(*BOTH, **patterns))
    adapter = loaded(tmp_path)
    assert adapter.deltas["experts.down_proj[0]"].rank == 3
    assert adapter.deltas["experts.gate_up_proj[2]"].scale == 2.5
    assert_as_peft(tmp_path, "lin.weight", *BOTH)


def test_the_only_matrix_called_weight_is_its_modules(tmp_path):
    trained(tmp_path, config("experts.weight"))
    assert set(loaded(tmp_path).deltas) == {"lin", "experts"}
    assert_as_peft(tmp_path, "lin.weight", "experts.weight")


def test_parameters_whose_order_nobody_saved_are_refused(tmp_path):
    trained(tmp_path, config("experts.gate_up_proj", "experts.weight"))
    with pytest.raises(Refused, match=r"PEFT does not save which is which: .* not for weight"):
        loaded(tmp_path)


def test_a_parameter_the_config_does_not_name_is_corrupt(tmp_path):
    trained(tmp_path, config(*BOTH))
    edit_config(tmp_path, target_parameters=BOTH[:1])
    with pytest.raises(Corrupt, match="parameter 2 of experts, and target_parameters names 1"):
        loaded(tmp_path)


def test_rows_that_are_no_whole_number_of_experts_are_corrupt(tmp_path):
    trained(tmp_path, config(*BOTH))
    edit_config(tmp_path, r=4)
    with pytest.raises(Corrupt, match="6 rows for experts of rank 4"):
        loaded(tmp_path)


def test_a_bias_of_experts_is_refused(tmp_path):
    trained(tmp_path, config(*BOTH))
    tampered(tmp_path, lambda tensors: tensors.update({build_key("experts", "bias"): torch.ones(6)}))
    with pytest.raises(Refused, match="experts: bias of a parameter that is no module's weight"):
        loaded(tmp_path)
