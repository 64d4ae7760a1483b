"""PEFT as the judge: a small model of every kind of layer, an adapter trained on it, and what PEFT makes of the two."""

import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import torch
from peft import PeftConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from adapterhub.lora.adapter import Adapter
from adapterhub.lora.load import load
from tests.lora.builders import entry_of

Weights = dict[str, Tensor]


class Config(SimpleNamespace):
    """As much of a model's config as PEFT asks for."""

    def to_dict(self) -> dict[str, object]:
        return vars(self)

    def get(self, name: str, default: object = None) -> object:
        return vars(self).get(name, default)


class Experts(nn.Module):
    """Three experts in two parameters, stored (experts, out, in)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_up_proj = nn.Parameter(torch.randn(3, 10, 6))
        self.down_proj = nn.Parameter(torch.randn(3, 6, 5))
        self.weight = nn.Parameter(torch.randn(4, 6))


class Zoo(nn.Module):
    """One layer of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(6, 10)
        self.wide = nn.Linear(12, 8)
        self.turned = Conv1D(9, 6)
        nn.init.normal_(self.turned.bias)
        self.emb = nn.Embedding(20, 6)
        self.conv1 = nn.Conv1d(6, 8, 3)
        self.conv2 = nn.Conv2d(6, 8, (3, 2))
        self.conv3 = nn.Conv3d(4, 6, 2)
        self.point = nn.Conv2d(6, 8, 1)
        self.grouped = nn.Conv2d(8, 12, 3, groups=4)
        self.attn = nn.MultiheadAttention(8, 2)
        self.norm = nn.LayerNorm(6)
        self.experts = Experts()
        self.head = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6))
        self.config = Config(tie_word_embeddings=False, model_type="zoo")

    def get_input_embeddings(self) -> nn.Module:
        return self.emb

    def get_output_embeddings(self) -> None:
        return None


def zoo() -> Zoo:
    """The same model every time, in float64."""
    torch.manual_seed(0)
    return Zoo().double().eval()


def trained(folder: Path, config: PeftConfig, **saving: object) -> PeftModel:
    """Save an adapter whose trained parameters are all random; gives the model it was saved from."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(zoo(), config)
        torch.manual_seed(1)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.normal_()
        model.save_pretrained(str(folder), **saving)
    (folder / "README.md").unlink()
    return model


def by_peft(folder: Path) -> Weights:
    """The weights after PEFT loaded and merged the adapter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(zoo(), str(folder)).merge_and_unload()
    return dict(model.state_dict())


def by_us(folder: Path) -> Weights:
    """The weights after an `Adapter` was applied by the book."""
    return applied(load(entry_of(folder), "ada/poet"), zoo())


def applied(adapter: Adapter, model: nn.Module) -> Weights:
    """The weights of a model with everything an adapter carries, by dense arithmetic."""
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    weights.update({name: tensor.to(weights[name].dtype) for name, tensor in adapter.tensors.items()})
    for module, bias in adapter.biases.items():
        weights[f"{module}.bias"] = bias
    for module, rows in adapter.rows.items():
        weights[f"{module}.weight"][list(rows.indices)] = rows.values
    for module, delta in adapter.deltas.items():
        _add(weights, model, module, delta.dense().double(), adapter.magnitudes.get(module))
    for module, shift in adapter.shifts.items():
        weights[f"{module}.bias"] += shift
    for module, gain in adapter.gains.items():
        _multiply(weights, model, module, gain.vector.double(), gain.side)
    return weights


def _add(weights: Weights, model: nn.Module, module: str, change: Tensor, magnitude: Tensor | None) -> None:
    if module.endswith("]"):
        name, _, number = module[:-1].rpartition("[")
        weights[name][int(number)] += change
        return
    name = f"{module}.weight"
    across = isinstance(model.get_submodule(module), Conv1D | nn.Embedding)
    weight = weights[name].T if across else weights[name].flatten(1)
    new = weight + change
    if magnitude is not None:
        new = magnitude[:, None] * new / new.norm(dim=1, keepdim=True)
    weights[name] = (new.T if across else new).reshape(weights[name].shape)


def _multiply(weights: Weights, model: nn.Module, module: str, vector: Tensor, side: str) -> None:
    layer = model.get_submodule(module)
    weight = weights[f"{module}.weight"]
    if side == "in":
        shape = (-1, 1) if isinstance(layer, Conv1D) else (1, -1, *[1] * (weight.ndim - 2))
        weights[f"{module}.weight"] = weight * vector.view(shape)
        return
    shape = (1, -1) if isinstance(layer, Conv1D) else (-1, *[1] * (weight.ndim - 1))
    weights[f"{module}.weight"] = weight * vector.view(shape)
    weights[f"{module}.bias"] = weights[f"{module}.bias"] * vector


def assert_as_peft(folder: Path, *changed: str) -> None:
    """PEFT and we come to the same weights, and exactly the named ones changed."""
    ours, theirs, before = by_us(folder), by_peft(folder), zoo().state_dict()
    assert ours.keys() == theirs.keys()
    assert {name for name in before if not torch.equal(before[name], theirs[name])} == set(changed)
    for name, tensor in theirs.items():
        assert torch.allclose(ours[name].double(), tensor.double(), atol=1e-5, rtol=1e-6), name


def edit_config(folder: Path, **fields: object) -> None:
    """Change fields of the config."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
