"""From files to deltas: verified, paired, scaled, and nothing left out in silence."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import nn

from adapterhub.entry import Entry, FolderFiles
from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.peft_keys import build_key
from adapterhub.lora.load import load
from adapterhub.manifest import Manifest
from tests.lora.builders import entry_of, factors, peft_folder

Q, V = "layers.0.q_proj", "layers.0.v_proj"
PREFIX = "base_model.model."


def loaded(folder):
    return load(entry_of(folder), "ada/poet")


def test_deltas_come_back_as_they_were_saved(tmp_path):
    pairs = factors([Q, V])
    deltas = loaded(peft_folder(tmp_path, pairs))
    assert sorted(deltas) == [Q, V]
    for module, (A, B) in pairs.items():
        assert torch.equal(deltas[module].A, A)
        assert torch.equal(deltas[module].B, B)
        assert deltas[module].scale == 2.0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_floating_type_is_read_as_it_is(tmp_path, dtype):
    pairs = {Q: tuple(factor.to(dtype) for factor in factors([Q])[Q])}
    delta = loaded(peft_folder(tmp_path, pairs))[Q]
    assert delta.A.dtype == dtype
    assert torch.equal(delta.B, pairs[Q][1])


@pytest.mark.parametrize(
    ("config", "scales"),
    [
        ({"lora_alpha": 3}, (1.5, 1.5)),
        ({"lora_alpha": 3, "use_rslora": True}, (3 / 2**0.5, 3 / 2**0.5)),
        ({"lora_alpha": 3, "alpha_pattern": {"q_proj": 8}}, (4.0, 1.5)),
        ({"r": 64, "lora_alpha": 3}, (1.5, 1.5)),  # the tensor's shape is the truth for r
    ],
)
def test_the_scale_follows_config_and_patterns(tmp_path, config, scales):
    deltas = loaded(peft_folder(tmp_path, factors([Q, V]), **config))
    assert (deltas[Q].scale, deltas[V].scale) == pytest.approx(scales)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, x):
        return self.second(self.first(x))


@pytest.mark.parametrize("config", [{}, {"use_rslora": True}, {"alpha_pattern": {"first": 5}}])
def test_peft_changes_the_same_weights_by_the_same_amount(tmp_path, config):
    pairs = {**factors(["first"]), **factors(["second"], 4, 6, seed=3)}
    peft_folder(tmp_path, pairs, **config)
    model = Two()
    before = {name: module.weight.detach().clone() for name, module in model.named_children()}
    merged = PeftModel.from_pretrained(model, str(tmp_path)).merge_and_unload()
    for name, delta in loaded(tmp_path).items():
        assert torch.allclose(merged.get_submodule(name).weight - before[name], delta.dense(), atol=1e-5)


def test_tensors_share_the_memory_that_was_read(tmp_path):
    deltas = loaded(peft_folder(tmp_path, factors([Q, V])))
    storages = [factor.untyped_storage() for delta in deltas.values() for factor in (delta.A, delta.B)]
    span = max(s.data_ptr() for s in storages) - min(s.data_ptr() for s in storages)
    assert span < (tmp_path / "adapter_model.safetensors").stat().st_size


def test_changed_bytes_are_noticed(tmp_path):
    entry = entry_of(peft_folder(tmp_path, factors([Q])))
    path = tmp_path / "adapter_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(Corrupt, match=r"ada/poet: adapter_model.safetensors: wanted sha256:"):
        load(entry, "ada/poet")


@pytest.mark.parametrize(("size", "got"), [(10, "10"), (100_000, "more")])
def test_a_file_of_another_size_is_noticed(tmp_path, size, got):
    entry = entry_of(peft_folder(tmp_path, factors([Q])))
    with (tmp_path / "adapter_config.json").open("r+") as config:
        config.truncate(size)
    with pytest.raises(Corrupt, match=rf"adapter_config.json: wanted \d+ bytes, got {got}"):
        load(entry, "ada/poet")


def test_a_size_that_no_memory_has_takes_none(tmp_path):
    entry = entry_of(peft_folder(tmp_path, factors([Q])))
    files = tuple(file.model_copy(update={"size": 1 << 60}) for file in entry.manifest.files)
    with pytest.raises(Corrupt, match=rf"wanted {1 << 60} bytes, got \d"):
        load(Entry(Manifest(kind="adapter", files=files), FolderFiles(tmp_path)), "ada/poet")


@final
@dataclass
class Line:
    """Files at the other end of a line: nobody knows where they end, and they come in pieces."""

    folder: Path

    def open(self, file, start=0):
        stream = io.BytesIO((self.folder / file.path).read_bytes()[start:])

        class Piecewise(io.RawIOBase):
            def readable(self):
                return True

            def readinto(self, buffer):
                return stream.readinto(buffer[:1000])

        return io.BufferedReader(Piecewise(), 999)


def test_files_that_come_over_a_line_are_loaded_too(tmp_path):
    pairs = factors([Q, V], out=300, into=200, rank=8)
    there = entry_of(peft_folder(tmp_path, pairs))
    deltas = load(Entry(there.manifest, Line(tmp_path)))
    assert torch.equal(deltas[V].B, pairs[V][1])


def test_a_header_of_odd_length_is_read(tmp_path):
    pairs = factors([Q])
    path = peft_folder(tmp_path, pairs) / "adapter_model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    head = data[8 : 8 + length].rstrip() + b" " * 3
    head += b" " * ((len(head) + 1) % 2)
    path.write_bytes(len(head).to_bytes(8, "little") + head + data[8 + length :])
    assert torch.equal(loaded(tmp_path)[Q].A, pairs[Q][0])


@pytest.mark.parametrize(
    ("config", "extra", "says"),
    [
        ({"use_dora": True}, {}, "DoRA"),
        ({}, {build_key(Q, "magnitude"): torch.ones(6)}, f"a DoRA magnitude at {Q}"),
        ({"modules_to_save": ["score"]}, {PREFIX + "score.weight": torch.ones(2, 2)}, "modules_to_save score"),
        ({"bias": "all"}, {PREFIX + "layers.0.bias": torch.ones(6)}, "a bias of the base (layers.0.bias)"),
        ({}, {build_key(Q, "bias"): torch.ones(6)}, "a bias of B"),
        ({}, {build_key("embed", "embedding_A"): torch.ones(2, 9)}, "an embedding at embed"),
        ({}, {build_key("conv", "A"): torch.ones(2, 3, 3, 3)}, "a convolution at conv"),
        ({}, {PREFIX + "e.token_adapter.trainable_tokens_delta": torch.ones(1, 4)}, "trained tokens"),
        ({}, {PREFIX + "lm_head.weight": torch.ones(3, 3)}, "a whole tensor of lm_head"),
        ({"peft_type": "IA3"}, {}, "of the type IA3"),
        ({"peft_type": "ADALORA"}, {}, "of the type ADALORA"),
        ({"target_parameters": ["mlp.experts.gate_up_proj"]}, {}, "bare parameters"),
        ({}, {build_key(V, "A"): torch.ones(2, 5, dtype=torch.int8)}, "is I8"),
    ],
)
def test_what_is_not_plain_lora_is_refused_by_name(tmp_path, config, extra, says):
    with pytest.raises(Refused) as refusal:
        loaded(peft_folder(tmp_path, factors([Q]), extra=extra, **config))
    assert str(refusal.value).startswith("ada/poet: ")
    assert says in str(refusal.value)
    assert "plain LoRA on Linear and Conv1D" in str(refusal.value)


def test_half_a_pair_is_corrupt(tmp_path):
    path = peft_folder(tmp_path, factors([Q, V])) / "adapter_model.safetensors"
    tensors = load_file(str(path))
    del tensors[build_key(V, "B")]
    save_file(tensors, str(path))
    with pytest.raises(Corrupt, match=f"{V} has one factor of two"):
        loaded(tmp_path)


def test_factors_of_different_ranks_are_corrupt(tmp_path):
    with pytest.raises(Corrupt, match="no product B·A"):
        loaded(peft_folder(tmp_path, {Q: (torch.ones(2, 5), torch.ones(6, 3))}))


def test_another_format_is_refused(tmp_path):
    path = tmp_path / "adapters.safetensors"
    save_file({"model.layers.0.q_proj.lora_a": torch.ones(5, 2)}, str(path))
    (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_parameters": {"rank": 2}}))
    with pytest.raises(Refused, match="not a PEFT folder"):
        loaded(tmp_path)
