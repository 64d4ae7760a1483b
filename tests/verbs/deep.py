"""An adapter of eight layers that peft wrote, copies of it in which faults are planted, and what is found in them."""

import json
from collections.abc import Callable
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

from adapterhub.audit.deep.checks import CHECKS
from adapterhub.audit.report import Report
from adapterhub.finding import Finding
from adapterhub.hub import Hub
from tests.compose.builders import quiet, saved, tiny, wrapped

LAYERS = 8
NAME = "base_model.model.model.layers.{}.self_attn.q_proj.lora_{}.weight"
Q = "model.layers.{}.self_attn.q_proj"
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama of eight layers, and an adapter of all of them that peft wrote."""
    folder = tmp_path_factory.mktemp("made")
    with quiet():
        tiny("llama", num_hidden_layers=LAYERS).save_pretrained(str(folder / "base"))
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    saved(wrapped("llama", config, num_hidden_layers=LAYERS), folder / "run")
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def planted(made: Path, folder: Path, change: Callable[[Tensors], object], **fields: object) -> Path:
    """A copy of the adapter, changed."""
    tensors = load_file(str(made / "run" / "adapter_model.safetensors"))
    change(tensors)
    folder.mkdir()
    save_file({name: one.contiguous() for name, one in tensors.items()}, str(folder / "adapter_model.safetensors"))
    config = json.loads((made / "run" / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, **fields}))
    return folder


def deep(hub: Hub, *words: object, base: Path) -> Report:
    (report,) = hub.audit([str(word) for word in words], [base], deep=True)
    return report


def found(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.check in CHECKS]
