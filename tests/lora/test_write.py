"""What is written as a PEFT folder is read as the same adapter."""

import torch

from adapterhub.lora.adapter import Adapter, Rows
from adapterhub.lora.delta import Delta, Form
from adapterhub.lora.load import load
from adapterhub.lora.write import write
from tests.lora.builders import delta, entry_of


def test_what_is_written_is_read_again(tmp_path):
    conv = Delta(torch.randn(2, 27), torch.randn(4, 2), form=Form("conv", (3, 3)))
    table = Delta(torch.randn(2, 9), torch.randn(5, 2), form=Form("embedding"))
    adapter = Adapter(
        {"q": delta(), "c": conv, "embed_tokens": table},
        biases={"q": torch.randn(6)},
        rows={"wte": Rows((1, 4), torch.randn(2, 5, dtype=torch.bfloat16))},
        tensors={"score.weight": torch.randn(3, 5, dtype=torch.bfloat16)},
    )
    write(adapter, tmp_path, base_name="org/base", task="SEQ_CLS")
    found = load(entry_of(tmp_path), "it")
    assert {name: one.form for name, one in found.deltas.items()} == {
        name: one.form for name, one in adapter.deltas.items()
    }
    for name, one in adapter.deltas.items():
        assert torch.equal(found.deltas[name].A, one.A)
        assert torch.equal(found.deltas[name].B, one.B)
    assert torch.equal(found.biases["q"], adapter.biases["q"])
    assert found.rows["wte"].indices == (1, 4)
    assert torch.equal(found.rows["wte"].values, adapter.rows["wte"].values)
    assert torch.equal(found.tensors["score.weight"], adapter.tensors["score.weight"])


def test_a_bias_of_b_is_written_with_its_factors(tmp_path):
    write(Adapter({"q": delta()}, shifts={"q": torch.arange(6.0)}), tmp_path)
    assert torch.equal(load(entry_of(tmp_path), "it").shifts["q"], torch.arange(6.0))


def test_a_weight_that_lies_the_other_way_round_is_said(tmp_path):
    write(Adapter({"q": delta()}), tmp_path, turned=True)
    assert '"fan_in_fan_out": true' in (tmp_path / "adapter_config.json").read_text()
