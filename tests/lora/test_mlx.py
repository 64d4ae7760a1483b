"""Adapters of mlx-lm: the same factors, transposed, and a scale of their own."""

import json

import pytest
import torch
from safetensors.torch import save_file

from adapterhub.errors import Corrupt, Refused
from adapterhub.lora.load import load, outline
from tests.lora.builders import entry_of

Q, E = "model.layers.0.self_attn.q_proj", "model.embed_tokens"


def folder(path, tensors=None, **config):
    """A folder as mlx-lm writes it; `tensors` are added, None takes one away."""
    random = torch.Generator().manual_seed(0)
    both = {
        f"{Q}.lora_a": torch.randn(5, 2, generator=random),
        f"{Q}.lora_b": torch.randn(2, 6, generator=random),
        **(tensors or {}),
    }
    save_file({name: t for name, t in both.items() if t is not None}, str(path / "adapters.safetensors"))
    fields = {"fine_tune_type": "lora", "lora_parameters": {"rank": 2, "scale": 20.0, "alpha": 16}, **config}
    (path / "adapter_config.json").write_text(json.dumps(fields))
    return path


def loaded(path):
    return load(entry_of(path), "ada/poet")


def test_the_change_is_scale_times_the_product_transposed(tmp_path):
    folder(tmp_path)
    delta = loaded(tmp_path).deltas[Q]
    from safetensors.torch import load_file

    tensors = load_file(str(tmp_path / "adapters.safetensors"))
    x = torch.randn(3, 5)
    assert torch.allclose(x @ delta.dense().T, 20.0 * (x @ tensors[f"{Q}.lora_a"]) @ tensors[f"{Q}.lora_b"], atol=1e-4)
    assert (delta.shape, delta.rank, delta.scale) == ((6, 5), 2, 20.0)


def test_an_embedding_is_known_by_its_name(tmp_path):
    extra = {f"{E}.lora_a": torch.ones(20, 2), f"{E}.lora_b": torch.ones(2, 6)}
    delta = loaded(folder(tmp_path, extra)).deltas[E]
    assert (str(delta.form), delta.shape) == ("embedding", (6, 20))


def test_magnitudes_come_along(tmp_path):
    adapter = loaded(folder(tmp_path, {f"{Q}.m": torch.arange(6.0)}, fine_tune_type="dora"))
    assert torch.equal(adapter.magnitudes[Q], torch.arange(6.0))


def test_the_outline_is_the_same_without_values(tmp_path):
    entry = entry_of(folder(tmp_path, {f"{Q}.m": torch.arange(6.0)}))
    told, read = outline(entry).deltas[Q], load(entry).deltas[Q]
    assert (told.shape, told.scale, told.A.dtype) == (read.shape, read.scale, read.A.dtype)
    assert told.A.device.type == outline(entry).magnitudes[Q].device.type == "meta"


@pytest.mark.parametrize(
    ("tensors", "config", "error", "says"),
    [
        ({}, {"lora_parameters": {"rank": 2}}, Refused, "nobody knows its scale"),
        ({}, {"fine_tune_type": "full"}, Refused, "not only the factors of LoRA: FULL"),
        ({"model.norm.weight": torch.ones(5)}, {}, Refused, "not only the factors of LoRA: model.norm.weight"),
        ({f"{Q}.m": torch.ones(6, dtype=torch.int32)}, {}, Refused, f"{Q}.m is I32"),
        (
            {f"{Q}.lora_a": torch.ones(4, 2, 5), f"{Q}.lora_b": torch.ones(4, 6, 2)},
            {},
            Refused,
            f"{Q}: factors of experts",
        ),
        ({f"{Q}.lora_b": None}, {}, Corrupt, f"{Q}: one factor of two is missing"),
        ({f"{Q}.lora_b": torch.ones(3, 6)}, {}, Corrupt, f"{Q}: tensors of [5, 2], [3, 6] do not fit together"),
        ({f"{Q}.lora_b": torch.ones(2, 0)}, {}, Corrupt, "do not fit together"),
        ({f"{Q}.m": torch.ones(5)}, {}, Corrupt, "do not fit together"),
    ],
)
def test_what_is_no_lora_of_linear_layers_is_told(tmp_path, tensors, config, error, says):
    with pytest.raises(error) as told:
        loaded(folder(tmp_path, tensors, **config))
    assert str(told.value).startswith("ada/poet: adapters.safetensors: ")
    assert says in str(told.value)
