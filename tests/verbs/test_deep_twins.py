"""Other entries that do the same, and weights of a base that are not those any more."""

from collections.abc import Callable
from pathlib import Path

import peft
import torch
from safetensors.torch import load_file, save_file

from adapterhub.audit.report import BaseName
from adapterhub.hub import Hub
from adapterhub.verbs.bases import known_cards
from adapterhub.verbs.fits import adapter_for
from adapterhub.verbs.weights import Sizes
from tests.compose.builders import adapter, quiet, saved, wrapped
from tests.verbs.deep import LAYERS, Q, Tensors, deep, found, hub, made, planted

__all__ = ["hub", "made"]


def test_weights_that_were_replaced_are_not_those_of_the_base(hub: Hub, made: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for path in (made / "base").iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    hub.base_add(base)
    card = next(iter(known_cards(hub.desk)))
    sizes = lambda name: Sizes(hub.desk).of(name, adapter_for(hub.desk, str(made / "run")), [Q.format(0)])  # noqa: E731
    name = BaseName.of(card)
    assert sizes(name)[0].keys() == {Q.format(0)}
    assert sizes(name.model_copy(update={"layout_digest": "sha256:" + "0" * 64}))[0] == {}
    weights = load_file(str(base / "model.safetensors"))
    save_file({key: tensor + 1 for key, tensor in weights.items()}, str(base / "model.safetensors"))
    assert sizes(name) == ({}, ("the weights of base are not on this machine as they were",))


def in_gauge(times: float) -> Callable[[Tensors], None]:
    """Other factors, of so many times the update."""

    def change(tensors: Tensors) -> None:
        torch.manual_seed(3)
        for name in [name for name in tensors if "lora_A" in name]:
            G = torch.randn(4, 4) + 3 * torch.eye(4)
            B = name.replace("lora_A", "lora_B")
            tensors[name], tensors[B] = G @ tensors[name], times * tensors[B] @ torch.linalg.inv(G)

    return change


def test_twins_in_other_factors_and_copies_are_named(hub: Hub, made: Path, tmp_path: Path) -> None:
    hub.add(made / "run", "ada/poet")
    hub.add(planted(made, tmp_path / "gauge", in_gauge(1)), "ada/gauge")
    hub.add(planted(made, tmp_path / "minus", in_gauge(-1)), "ada/minus")
    hub.add(planted(made, tmp_path / "half", in_gauge(0.5), lora_alpha=8), "ada/half")
    with quiet():
        config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
        other = saved(wrapped("llama", config, seed=7, num_hidden_layers=LAYERS), tmp_path / "other")
    hub.add(other, "ada/other")
    hub.add(adapter(tmp_path / "small", "llama"), "ada/small")
    told = {finding.message: finding.place for finding in found(deep(hub, "ada/poet", base=made / "base"))}
    assert told == {
        "the same update in other factors": "ada/gauge@1",
        "the opposite update": "ada/minus@1",
        "this is 2 times that update": "ada/half@1",
    }
    assert found(deep(hub, "ada/other", base=made / "base")) == []
    assert len(list((hub.store / "cache" / "values").rglob("*.json"))) == 5  # of another layout nothing is read
    folder = {finding.message: finding.place for finding in found(deep(hub, made / "run", base=made / "base"))}
    assert folder == {**told, "the same files": "ada/poet@1"}
