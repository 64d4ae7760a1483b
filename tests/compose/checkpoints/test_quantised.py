"""Quantised checkpoints are told apart, and refused before anything is written."""

import pytest
import torch

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.lora.adapter import Adapter
from tests.compose.checkpoints.builders import checkpoint, delta, fused, normal, one

GOOD = Adapter({"q": delta(4, 3)})
CODES = torch.zeros(4, 3, dtype=torch.uint8)
FP8 = torch.zeros(4, 3).to(torch.float8_e4m3fn)
QUANTISED = {
    "bitsandbytes, 4 bits": (
        {"q.weight": CODES, "q.weight.quant_state.bitsandbytes__nf4": CODES},
        {"quant_method": "bitsandbytes", "load_in_4bit": True},
        "model.dequantize()",
    ),
    "bitsandbytes, 8 bits": (
        {"q.weight": CODES.to(torch.int8), "q.SCB": normal(4)},
        {"quant_method": "bitsandbytes", "load_in_8bit": True},
        "model.dequantize()",
    ),
    "GPTQ": ({"q.qweight": CODES, "q.g_idx": CODES}, {"quant_method": "gptq"}, "quantised from"),
    "AWQ": ({"q.qweight": CODES, "q.scales": normal(4)}, {"quant_method": "awq"}, "quantised from"),
    "FP8": (
        {"q.weight": FP8, "q.weight_scale_inv": normal(1, 1)},
        {"quant_method": "fp8"},
        "FineGrainedFP8Config(dequantize=True)",
    ),
    "MXFP4": (
        {"x.down_proj_blocks": CODES, "x.down_proj_scales": CODES},
        {"quant_method": "mxfp4"},
        "Mxfp4Config(dequantize=True)",
    ),
}


@pytest.mark.parametrize("scheme", QUANTISED)
@pytest.mark.parametrize("said", [True, False])
def test_a_quantised_base_is_refused_with_its_scheme_and_what_to_do(tmp_path, scheme, said):
    tensors, config, hint = QUANTISED[scheme]
    base = checkpoint(tmp_path / "base", tensors, **({"quantization_config": config} if said else {}))
    with pytest.raises(Refused) as caught:
        fused([one(GOOD)], base, tmp_path / "out")
    assert f"its weights are quantised ({scheme}), kept as" in str(caught.value)
    assert hint in caught.value.hint
    assert "stack the adapter on the live model" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_scheme_nobody_has_heard_of_is_refused_too(tmp_path):
    config = {"text_config": {"quantization_config": {"quant_method": "exl9"}}}
    base = checkpoint(tmp_path / "base", {"q.weight": normal(4, 3)}, **config)
    with pytest.raises(Refused, match=r"quantised \(exl9\)"):
        fused([one(GOOD)], base, tmp_path / "out")


def test_numbers_that_are_codes_are_a_misfit(tmp_path):
    base = checkpoint(tmp_path / "base", {"q.weight": CODES})
    with pytest.raises(DoesNotFit, match="stored as U8"):
        fused([one(GOOD)], base, tmp_path / "out")
