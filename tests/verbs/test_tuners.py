"""What peft trains in other ways than LoRA: stacked, fused and merged as the change of weights it is."""

import peft
import pytest
import torch
from torch import nn

from adapterhub.errors import Refused
from adapterhub.hub import Hub
from tests.compose.builders import ask, quiet, saved, tiny, wrapped

Q_AND_DOWN = ["q_proj", "down_proj"]
CASES = {
    "vera": ("llama", peft.VeraConfig(r=4, target_modules=Q_AND_DOWN, vera_dropout=0.0)),
    "loha": ("llama", peft.LoHaConfig(r=2, alpha=4, target_modules=Q_AND_DOWN)),
    "lokr": ("llama", peft.LoKrConfig(r=2, alpha=4, target_modules=Q_AND_DOWN)),
    "loha-conv": ("vit", peft.LoHaConfig(r=2, alpha=4, target_modules=["projection"])),
    "lokr-conv": ("vit", peft.LoKrConfig(r=2, target_modules=["projection"], use_effective_conv2d=True)),
    "ia3": ("llama", peft.IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"])),
}


def trained(kind: str, config: peft.PeftConfig) -> peft.PeftModel:
    return wrapped(kind, config, seed=3)


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_stacked_and_fused_it_answers_as_in_peft(tmp_path, name):
    kind, config = CASES[name]
    hub, plain = Hub.open(tmp_path / "store"), tiny(kind)
    with quiet():
        theirs = trained(kind, config)
        wanted = ask(theirs, kind)
        hub.add(saved(theirs, tmp_path / "adapter"), "ada/it")
    with hub.stack(plain, "ada/it"):
        assert torch.allclose(ask(plain, kind), wanted, atol=1e-5)
    plain.save_pretrained(tmp_path / "base")
    hub.fuse("ada/it", tmp_path / "base", tmp_path / "fused")
    fused: nn.Module = type(plain).from_pretrained(tmp_path / "fused").eval()
    assert torch.allclose(ask(fused, kind), wanted, atol=1e-5)
    assert not torch.allclose(ask(tiny(kind), kind), wanted, atol=1e-3)


@pytest.mark.parametrize("name", ["loha", "lokr"])
@torch.no_grad()
def test_merged_it_is_plain_lora(tmp_path, name):
    kind, config = CASES[name]
    hub = Hub.open(tmp_path / "store")
    with quiet():
        hub.add(saved(trained(kind, config), tmp_path / "adapter"), "ada/it")
    done = hub.merge("ada/it*0.5", "ada/plain")
    assert done.facts.type == "LORA"
    assert (done.relative_error or 0) < 1e-6
    one, other = tiny(kind), tiny(kind)
    with hub.stack(one, "ada/it*0.5"), hub.stack(other, "ada/plain"):
        assert torch.allclose(ask(one, kind), ask(other, kind), atol=1e-5)


@pytest.mark.parametrize("name", ["vera", "ia3"])
def test_what_has_no_sum_without_its_base_is_refused(tmp_path, name):
    hub = Hub.open(tmp_path / "store")
    with quiet():
        hub.add(saved(trained(*CASES[name]), tmp_path / "adapter"), "ada/it")
    with pytest.raises(Refused, match=r"as wide as the base says|IA3 vectors"):
        hub.merge("ada/it", "ada/plain")
