"""kohya's files: alphas beside the pairs, settings in the metadata, and leaves behind underscores."""

import pytest

from adapterhub.errors import Corrupt, NotFound
from adapterhub.facts import Facts
from adapterhub.formats import kohya
from tests.formats.foreign_files import Folder, Tensor, checks, safetensors, scalar, zeros

Q = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
FC1 = "lora_te1_text_model_encoder_layers_0_mlp_fc1"


def pair(module: str = Q, rank: int = 4, alpha: float | None = 2.0, dtype: str = "F16") -> dict[str, Tensor]:
    tensors = {f"{module}.lora_down.weight": Tensor(rank, 8), f"{module}.lora_up.weight": Tensor(6, rank)}
    return tensors if alpha is None else {**tensors, f"{module}.alpha": scalar(alpha, dtype)}


def facts(tensors: dict[str, Tensor], **metadata: str) -> Facts:
    return kohya.facts(Folder({"a.safetensors": safetensors(tensors, metadata)}))


def test_a_file_is_described():
    metadata = {"ss_network_dim": "4", "ss_network_alpha": "2", "ss_sd_model_name": "sd15.safetensors"}
    found = facts(pair() | pair(FC1), ss_network_module="networks.lora", ss_clip_skip="None", **metadata)
    assert (found.format, found.type, found.rank, found.alpha) == ("kohya", "LORA", 4, 2.0)
    assert (found.targets, found.modules, found.parameters) == (("fc1", "to_q"), 2, 112)
    assert (found.base_name, found.health) == ("sd15.safetensors", "ok")
    networks = {"lora_te1": 1, "lora_unet": 1}
    wanted = {"networks": networks, "network_module": "networks.lora", "network_dim": "4", "network_alpha": "2"}
    assert found.details == wanted


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F32"])
def test_an_alpha_is_read_in_every_precision(dtype):
    assert facts(pair(alpha=1.5, dtype=dtype)).alpha == 1.5


def test_alphas_that_differ_are_counted_and_the_commonest_stands():
    found = facts(pair(Q, alpha=2) | pair(FC1, alpha=1) | pair(FC1.replace("0", "1"), alpha=1))
    assert (found.alpha, found.details["alphas"]) == (1.0, {"1": 2, "2": 1})


def test_without_alphas_there_is_none():
    assert facts(pair(alpha=None)).alpha is None


def test_an_alpha_that_is_no_number_is_found():
    assert checks(facts(pair(alpha=float("nan")))) == ["bad-alpha"]


@pytest.mark.parametrize("alpha", [Tensor(2), Tensor(dtype="BOOL", data=b"\1"), Tensor(0)])
def test_an_alpha_that_is_more_or_less_than_a_number_is_refused(alpha):
    with pytest.raises(Corrupt, match=r"alpha' is one number"):
        facts({**pair(), f"{Q}.alpha": alpha})


def test_a_convolution_in_three_steps_has_the_rank_of_its_first():
    names = {"down": Tensor(4, 8, 1, 1), "mid": Tensor(4, 4, 3, 3), "up": Tensor(6, 4, 1, 1)}
    found = facts({f"lora_unet_conv_in.lora_{part}.weight": tensor for part, tensor in names.items()})
    assert (found.rank, found.targets, found.health) == (4, ("conv_in",), "ok")


def test_magnitudes_are_dora():
    assert facts({**pair(), f"{Q}.dora_scale": Tensor(6, 1)}).details["use_dora"] is True


@pytest.mark.parametrize(
    ("module", "leaf"),
    [
        ("lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_out_0", "to_out_0"),
        ("lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_ff_net_0_proj", "ff_net_0_proj"),
        ("lora_unet_double_blocks_3_img_mod_lin", "img_mod_lin"),
        ("lora_te3_encoder_block_2_layer_0_SelfAttention_k", "SelfAttention_k"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv", "attn_qkv"),
    ],
)
def test_the_leaf_is_what_the_underscores_hide(module, leaf):
    assert facts(pair(module)).targets == (leaf,)


def test_metadata_is_cut_and_can_always_be_written():
    found = facts(pair(), ss_network_args="x" * 10_000, ss_output_name="\ud800")
    assert len(found.details["network_args"]) == 500
    assert found.to_bytes()


@pytest.mark.parametrize(
    ("tensors", "check"),
    [
        ({f"{Q}.lora_down.weight": Tensor(4, 8)}, "missing-half"),
        ({**pair(), "odd": Tensor(1)}, "unexplained-tensors"),
        ({**pair(), f"{Q}.odd": Tensor(1)}, "unexplained-tensors"),
        ({**pair(), f"{Q}.lora_up.weight": zeros(6, 4)}, "untrained"),
        ({**pair(), f"{Q}.lora_up.weight": Tensor(6, 3)}, "factor-shapes"),
    ],
)
def test_what_is_wrong_with_the_tensors_is_found(tensors, check):
    assert checks(facts(tensors)) == [check]


def test_one_module_of_zeros_is_worth_a_word_and_no_warning():
    found = facts({**pair(), **pair(FC1), f"{FC1}.lora_up.weight": zeros(6, 4)})
    assert (checks(found), found.health) == (["partly-untrained"], "ok")


def test_one_file_under_any_name_is_claimed_two_are_not():
    file = safetensors(pair())
    assert kohya.claims(Folder({"a.safetensors": file, "a.png": b""}))
    assert not kohya.claims(Folder({"a.safetensors": file, "b.safetensors": file}))
    with pytest.raises(NotFound, match=r"a\.safetensors, b\.safetensors"):
        kohya.facts(Folder({"a.safetensors": file, "b.safetensors": file}))


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, safetensors({"model.weight": Tensor(2, 2)})])
def test_what_has_no_factors_of_kohya_is_not_claimed(data):
    assert not kohya.claims(Folder({"a.safetensors": data}))
