"""Normal form: PEFT comes to the same weights as from what was read, and no reader has anything to get wrong."""

import json

import pytest
import torch
from peft import AdaLoraConfig, IA3Config, LNTuningConfig, LoHaConfig, LoKrConfig, LoraConfig, PeftModel, VeraConfig
from safetensors.torch import load_file

from adapterhub.errors import Refused
from adapterhub.formats.peft_keys import build_key
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta
from adapterhub.lora.load import load
from adapterhub.lora.save import save
from tests.lora.builders import delta, entry_of, factors, peft_folder
from tests.lora.judge import by_peft, trained, zoo

LAYERS = ["lin", "turned", "emb", "conv1", "conv2", "conv3", "point"]
PATTERNS = {"rank_pattern": {"lin": 2, "conv.": 5}, "alpha_pattern": {"^lin": 3, "emb": 7}}
CONFIGS = {
    "alpha": LoraConfig(r=4, lora_alpha=6, target_modules=LAYERS),
    "rslora": LoraConfig(r=4, lora_alpha=6, target_modules=LAYERS, use_rslora=True),
    "patterns": LoraConfig(r=4, lora_alpha=6, target_modules=LAYERS, **PATTERNS),
    "dora": LoraConfig(r=4, lora_alpha=6, target_modules=LAYERS, use_dora=True, **PATTERNS),
    "bias of B": LoraConfig(r=4, lora_alpha=6, target_modules=["lin", "conv2"], lora_bias=True),
    "biases": LoraConfig(r=4, lora_alpha=6, target_modules=["lin", "conv2"], bias="all"),
    "head": LoraConfig(r=4, lora_alpha=6, target_modules="li.*", modules_to_save=["head"]),
    "tokens": LoraConfig(r=4, lora_alpha=6, target_modules=["lin"], trainable_token_indices={"emb": [1, 5]}),
    "experts": LoraConfig(
        r=2, lora_alpha=6, target_modules=["lin"], target_parameters=["experts.gate_up_proj", "experts.down_proj"],
        rank_pattern={"experts.down_proj": 3},
    ),
    "adalora": AdaLoraConfig(
        init_r=4, target_r=2, total_step=10, tinit=1, tfinal=1, lora_alpha=6, target_modules=["lin", "turned"]
    ),
    "loha": LoHaConfig(r=2, alpha=6, target_modules=["lin", "wide"]),
    "lokr": LoKrConfig(r=2, alpha=6, target_modules=["lin", "wide"]),
}  # fmt: skip


def normal(folder, out):
    """A folder's adapter in normal form."""
    fields = json.loads((folder / "adapter_config.json").read_text())
    save(load(entry_of(folder)), out, {"fan_in_fan_out": fields.get("fan_in_fan_out", False)})
    return out


def config_of(folder):
    return json.loads((folder / "adapter_config.json").read_text())


def types(folder):
    """The types of all tensors."""
    return {tensor.dtype for tensor in load_file(str(folder / "adapter_model.safetensors")).values()}


@pytest.mark.parametrize("name", CONFIGS)
def test_peft_comes_to_the_same_weights(tmp_path, name):
    trained(tmp_path / "in", CONFIGS[name])
    wanted, got = by_peft(tmp_path / "in"), by_peft(normal(tmp_path / "in", tmp_path / "out"))
    assert wanted.keys() == got.keys()
    assert any(not torch.equal(wanted[name], tensor) for name, tensor in zoo().state_dict().items())
    for path, tensor in wanted.items():
        assert torch.allclose(got[path].double(), tensor.double(), atol=1e-5, rtol=1e-6), path


def test_a_convolution_in_groups_keeps_them(tmp_path):
    model = trained(tmp_path / "in", LoraConfig(r=8, lora_alpha=6, target_modules=["grouped"]))
    normal(tmp_path / "in", tmp_path / "out")
    with pytest.warns(UserWarning, match="groups > 1"):  # as of the adapter it was made from
        again = PeftModel.from_pretrained(zoo(), str(tmp_path / "out"))
    x = torch.randn(2, 8, 5, 5, dtype=torch.float64)
    wanted, got = model.base_model.model.grouped(x), again.base_model.model.grouped(x)
    assert torch.allclose(got, wanted, atol=1e-5)
    assert not torch.allclose(got, zoo().grouped(x), atol=1e-3)


@pytest.mark.parametrize("name", CONFIGS)
def test_nothing_is_left_that_a_reader_could_get_wrong(tmp_path, name):
    trained(tmp_path / "in", CONFIGS[name])
    config = config_of(normal(tmp_path / "in", tmp_path / "out"))
    assert config["peft_type"] == "LORA"
    assert config["lora_alpha"] == config["r"]
    assert config["alpha_pattern"] == config["rank_pattern"]
    assert not config["use_rslora"]
    assert config["use_dora"] is (name == "dora")


@pytest.mark.parametrize("name", CONFIGS)
def test_normal_form_of_normal_form_is_the_same_bytes(tmp_path, name):
    trained(tmp_path / "in", CONFIGS[name])
    first = normal(normal(tmp_path / "in", tmp_path / "one"), tmp_path / "two")
    for path in first.iterdir():
        assert path.read_bytes() == (tmp_path / "one" / path.name).read_bytes()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize(("alpha", "exact"), [(8, True), (0.5, True), (-4, True), (6, False)])
def test_factors_keep_their_type_where_it_holds_the_scale(tmp_path, dtype, alpha, exact):
    pairs = {name: (A.to(dtype), B.to(dtype)) for name, (A, B) in factors(["q", "v"]).items()}
    normal(peft_folder(tmp_path / "in", pairs, lora_alpha=alpha), tmp_path / "out")
    assert types(tmp_path / "out") == {dtype if exact else torch.promote_types(dtype, torch.float32)}
    before, after = load(entry_of(tmp_path / "in")).deltas, load(entry_of(tmp_path / "out")).deltas
    for module, one in before.items():
        assert torch.allclose(after[module].dense(), one.dense(), rtol=1e-6, atol=1e-6)
        assert torch.equal(after[module].A, one.A.to(after[module].A.dtype))
        assert after[module].scale == 1.0


def test_a_scale_that_overflows_the_type_widens_it(tmp_path):
    A, B = torch.ones(2, 5, dtype=torch.float16), torch.full((6, 2), 40000.0, dtype=torch.float16)
    normal(peft_folder(tmp_path / "in", {"q": (A, B)}, lora_alpha=4), tmp_path / "out")
    assert types(tmp_path / "out") == {torch.float32}
    assert load(entry_of(tmp_path / "out")).deltas["q"].B.unique().tolist() == [80000.0]


def test_a_bias_of_b_that_its_type_cannot_hold_widens_the_factors(tmp_path):
    pairs = {"q": tuple(factor.bfloat16() for factor in factors(["q"])["q"])}
    extra = {build_key("q", "bias"): torch.full((6,), 1 / 3)}
    normal(peft_folder(tmp_path / "in", pairs, extra=extra, lora_alpha=2, lora_bias=True), tmp_path / "out")
    assert types(tmp_path / "out") == {torch.float32}


def test_nan_and_infinity_stay_what_they_are(tmp_path):
    A, B = factors(["q"])["q"]
    B[0, 0], B[1, 1] = float("nan"), float("inf")
    normal(peft_folder(tmp_path / "in", {"q": (A, B)}, lora_alpha=3), tmp_path / "out")
    after = load(entry_of(tmp_path / "out")).deltas["q"].B
    assert after.isnan().nonzero().tolist() == [[0, 0]]
    assert after.isinf().nonzero().tolist() == [[1, 1]]


def test_a_scale_beyond_fp32_is_refused(tmp_path):
    peft_folder(tmp_path / "in", factors(["q"]), lora_alpha=1e300)
    with pytest.raises(Refused, match=r"q: B times its scale of 5e\+299 holds more than F32 can hold"):
        normal(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (IA3Config(target_modules=["lin"], feedforward_modules=[]), "IA3 multiplies what modules give"),
        (VeraConfig(r=4, target_modules=["lin"], vera_dropout=0.0), "VeRA's factors are as wide as the base says"),
        (LNTuningConfig(target_modules=["norm"]), "no factors at all"),
    ],
)
def test_what_has_no_factors_of_its_own_is_refused(tmp_path, config, why):
    trained(tmp_path / "in", config)
    with pytest.raises(Refused, match=why) as refused:
        normal(tmp_path / "in", tmp_path / "out")
    assert "byte for byte" in refused.value.hint
    assert not (tmp_path / "out").exists()


def test_dora_in_some_modules_is_refused(tmp_path):
    some = Adapter({"q": delta(), "v": Delta(torch.ones(1, 2), torch.ones(2, 1))}, magnitudes={"q": torch.ones(6)})
    with pytest.raises(Refused, match="v has no magnitude"):
        save(some, tmp_path / "out", {})
