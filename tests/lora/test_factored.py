"""LoRA and AdaLoRA: PEFT, which loads the same files, comes to the same weights."""

import pytest
import torch
from peft import AdaLoraConfig, LoraConfig
from safetensors.torch import load_file, save_file

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.peft_keys import build_key
from adapterhub.lora.delta import Form
from adapterhub.lora.load import load
from tests.lora.builders import entry_of, factors, peft_folder
from tests.lora.judge import assert_as_peft, edit_config, trained, zoo

CONFIGS = [
    {},
    {"use_rslora": True},
    {"rank_pattern": {"lin": 2, "conv.": 5}, "alpha_pattern": {"^lin": 3, "emb": 7}},
    {"use_dora": True},
]
ALL = ["lin", "turned", "emb", "conv1", "conv2", "conv3", "point"]


def loaded(folder):
    return load(entry_of(folder), "ada/poet")


def tampered(folder, change):
    """Save the tensors again after `change` was at them."""
    path = folder / "adapter_model.safetensors"
    tensors = load_file(str(path))
    change(tensors)
    save_file(tensors, str(path), metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("config", CONFIGS)
def test_every_kind_of_layer_changes_as_peft_changes_it(tmp_path, config):
    trained(tmp_path, LoraConfig(r=4, lora_alpha=6, target_modules=ALL, **config))
    assert_as_peft(tmp_path, *(f"{module}.weight" for module in ALL))


def test_the_forms_say_how_a_matrix_lies(tmp_path):
    trained(tmp_path, LoraConfig(r=4, target_modules=ALL))
    forms = {module: str(delta.form) for module, delta in loaded(tmp_path).deltas.items()}
    assert forms == {
        **dict.fromkeys(("lin", "turned"), "linear"),
        "emb": "embedding",
        "conv1": "conv 3",
        "conv2": "conv 3×2",
        "conv3": "conv 2×2×2",
        "point": "conv 1×1",
    }


@pytest.mark.parametrize("bias", ["all", "lora_only"])
def test_biases_stand_in_place_of_the_bases(tmp_path, bias):
    trained(tmp_path, LoraConfig(r=4, target_modules=["lin", "conv2"], bias=bias))
    assert (
        sorted(loaded(tmp_path).biases)[:3]
        == {
            "all": ["attn.out_proj", "conv1", "conv2"],
            "lora_only": ["conv2", "lin"],
        }[bias]
    )
    biases = {"conv2.bias", "lin.bias"}
    if bias == "all":
        biases = {name for name in zoo().state_dict() if name.endswith(".bias")}
    assert_as_peft(tmp_path, "lin.weight", "conv2.weight", *biases)


def test_a_bias_of_b_is_scaled_as_the_change_is(tmp_path):
    trained(tmp_path, LoraConfig(r=4, lora_alpha=6, target_modules=["lin", "conv2"], lora_bias=True))
    assert_as_peft(tmp_path, "lin.weight", "lin.bias", "conv2.weight", "conv2.bias")


def test_of_a_grouped_convolution_a_reads_all_channels_and_b_its_group(tmp_path):
    model = trained(tmp_path, LoraConfig(r=8, lora_alpha=4, target_modules=["grouped"]))
    delta = loaded(tmp_path).deltas["grouped"]
    assert delta.shape == (12, 8 * 9)
    x = torch.randn(2, 8, 5, 5, dtype=torch.float64)
    layer = model.base_model.model.grouped
    change = layer(x) - layer.base_layer(x)
    kernel = delta.dense().reshape(12, 8, *delta.form.kernel)
    assert torch.allclose(torch.nn.functional.conv2d(x, kernel), change, atol=1e-9)


def test_attention_that_peft_changes_twice_is_refused(tmp_path):
    trained(tmp_path, LoraConfig(r=2, target_modules=["attn"]))
    with pytest.raises(Refused, match=r"out_proj: factors of nn.MultiheadAttention"):
        loaded(tmp_path)


def test_a_layer_inside_a_wrapped_module_has_the_name_the_base_has(tmp_path):
    pairs = factors(["mlp.base_layer.router"])
    assert list(loaded(peft_folder(tmp_path, pairs)).deltas) == ["mlp.router"]
    pairs |= factors(["mlp.router"])
    with pytest.raises(Corrupt, match=r"mlp.router has two pairs of factors"):
        loaded(peft_folder(tmp_path, pairs))


def adalora(**fields):
    return AdaLoraConfig(init_r=4, target_r=2, total_step=10, tinit=1, tfinal=1, lora_alpha=6, **fields)


def test_adalora_has_its_diagonal_in_a(tmp_path):
    trained(tmp_path, adalora(target_modules=["lin", "turned", "conv2"]))
    assert_as_peft(tmp_path, "lin.weight", "turned.weight", "conv2.weight")
    assert loaded(tmp_path).deltas["conv2"].form == Form("linear")


def test_adalora_without_an_alpha_is_scaled_by_its_rank(tmp_path):
    trained(tmp_path, adalora(target_modules=["lin"]))
    edit_config(tmp_path, lora_alpha=0)
    assert_as_peft(tmp_path, "lin.weight")


def test_a_module_whose_rank_went_to_zero_changes_nothing(tmp_path):
    trained(tmp_path, adalora(target_modules=["lin", "wide"]))
    pattern = {"lin.lora_E": [True, False, True, False], "wide.lora_E": [False] * 4}

    def cut(tensors):
        for module, kept in (("lin", [0, 2]), ("wide", [])):
            for role in ("A", "E", "B"):
                name = f"base_model.model.{module}.lora_{role}"
                tensors[name] = tensors[name][:, kept] if role == "B" else tensors[name][kept]

    tampered(tmp_path, cut)
    edit_config(tmp_path, rank_pattern=pattern)
    assert_as_peft(tmp_path, "lin.weight")
    assert list(loaded(tmp_path).deltas) == ["lin"]


def test_adalora_without_its_diagonal_is_corrupt(tmp_path):
    trained(tmp_path, adalora(target_modules=["lin"]))
    tampered(tmp_path, lambda tensors: tensors.pop("base_model.model.lin.lora_E"))
    with pytest.raises(Corrupt, match="lin: wanted the 4 values of E, got 0"):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("role", "says"), [("magnitude", "the magnitude has 3 values for 6"), ("bias", "the bias of B has 3 values for 6")]
)
def test_a_vector_of_another_length_is_corrupt(tmp_path, role, says):
    extra = {build_key("lin", role): torch.ones(3)}
    peft_folder(tmp_path, factors(["lin"]), extra=extra, use_dora=role == "magnitude")
    with pytest.raises(Corrupt, match=f"lin: {says} outputs"):
        loaded(tmp_path)


@pytest.mark.parametrize(("dora", "roles"), [(True, ()), (False, ("magnitude",))])
def test_config_and_tensors_agree_on_dora(tmp_path, dora, roles):
    extra = {build_key("lin", role): torch.ones(6) for role in roles}
    peft_folder(tmp_path, factors(["lin"]), extra=extra, use_dora=dora)
    with pytest.raises(Corrupt, match=r"use_dora is (true|false), and there is (no|a) magnitude"):
        loaded(tmp_path)


def test_half_a_pair_is_corrupt(tmp_path):
    peft_folder(tmp_path, factors(["lin", "wide"]))
    tampered(tmp_path, lambda tensors: tensors.pop(build_key("wide", "B")))
    with pytest.raises(Corrupt, match="wide: one factor of two is missing"):
        loaded(tmp_path)


def test_two_kinds_of_factors_in_one_module_are_corrupt(tmp_path):
    extra = {build_key("lin", "embedding_A"): torch.ones(2, 5), build_key("lin", "embedding_B"): torch.ones(6, 2)}
    with pytest.raises(Corrupt, match="lin: factors of a linear layer and of an embedding"):
        loaded(peft_folder(tmp_path, factors(["lin"]), extra=extra))


@pytest.mark.parametrize(
    ("A", "B"),
    [((2, 5), (6, 3)), ((0, 5), (6, 0)), ((2,), (6, 2)), ((2, 5), (6, 2, 1)), ((4, 3, 3), (6, 3, 1))],
)
def test_factors_without_a_product_are_corrupt(tmp_path, A, B):
    with pytest.raises(Corrupt, match=r"lin: factors of \[.*\] and \[.*\] (have no product|are no convolution)"):
        loaded(peft_folder(tmp_path, {"lin": (torch.ones(A), torch.ones(B))}, r=2))


def test_what_no_tuner_of_ours_knows_is_not_left_out(tmp_path):
    extra = {"base_model.model.lin.lora_router": torch.ones(2)}
    with pytest.raises(Refused, match="lora_router: neither a factor"):
        loaded(peft_folder(tmp_path, factors(["lin"]), extra=extra))
