"""From headers alone comes what comes from the values: the same names, shapes, types, scales and forms."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest
import torch
from peft import (
    AdaLoraConfig,
    IA3Config,
    LNTuningConfig,
    LoHaConfig,
    LoKrConfig,
    LoraConfig,
    TrainableTokensConfig,
    VeraConfig,
)
from torch import Tensor

from adapterhub.entry import Entry, FolderFiles
from adapterhub.lora.adapter import Gain, Rows
from adapterhub.lora.delta import Delta
from adapterhub.lora.load import load, outline
from tests.lora.builders import entry_of, factors, peft_folder
from tests.lora.judge import trained

LINEAR, CONVS = ["lin", "wide"], ["conv1", "conv2", "point", "grouped"]
EXPERTS = ["experts.gate_up_proj", "experts.down_proj"]
KINDS = {
    "lora": LoraConfig(r=4, target_modules=[*LINEAR, *CONVS, "turned", "emb"], bias="all", modules_to_save=["norm"]),
    "dora": LoraConfig(r=2, target_modules=["lin", "emb", "conv2"], use_dora=True),
    "shifts": LoraConfig(r=2, target_modules=["lin"], lora_bias=True, trainable_token_indices={"emb": [4, 2]}),
    "experts": LoraConfig(r=2, target_modules=["lin"], target_parameters=EXPERTS),
    "adalora": AdaLoraConfig(init_r=4, target_r=2, total_step=10, tinit=1, tfinal=1, target_modules=["lin", "conv2"]),
    "loha": LoHaConfig(r=2, target_modules=[*LINEAR, *CONVS]),
    "loha cores": LoHaConfig(r=2, target_modules=[*LINEAR, *CONVS], use_effective_conv2d=True),
    "lokr": LoKrConfig(r=1, target_modules=[*LINEAR, *CONVS], decompose_both=True),
    "lokr cores": LoKrConfig(r=1, target_modules=[*LINEAR, *CONVS], use_effective_conv2d=True),
    "lokr whole": LoKrConfig(r=16, target_modules=[*LINEAR, *CONVS]),
    "vera": VeraConfig(r=2, target_modules=LINEAR),
    "ia3": IA3Config(target_modules=[*LINEAR, "conv2"], feedforward_modules=["wide"]),
    "tokens": TrainableTokensConfig(target_modules=["emb"], token_indices=[1, 3]),
    "norms": LNTuningConfig(target_modules=["norm"]),
}


def described(one):
    """Everything about a value that a header can tell."""
    if isinstance(one, Delta):
        return described(one.A), described(one.B), one.scale, one.form
    if isinstance(one, Gain):
        return described(one.vector), one.side
    if isinstance(one, Rows):
        return one.indices, described(one.values)
    assert isinstance(one, Tensor)
    return tuple(one.shape), one.dtype


def structure(adapter):
    return {field: [(name, described(one)) for name, one in getattr(adapter, field).items()] for field in vars(adapter)}


@final
@dataclass
class Counted:
    """Files that count the bytes which are read of them."""

    folder: Path
    count: int = 0

    def open(self, file, start=0):
        stream = FolderFiles(self.folder).open(file, start)
        read = stream.read

        def counted(size=-1):
            data = read(size)
            self.count += len(data)
            return data

        stream.read = counted
        return stream


def test_an_outline_reads_no_values(tmp_path):
    entry = entry_of(peft_folder(tmp_path, factors(["q", "v"], 3000, 3000, 64)))
    files = Counted(tmp_path)
    assert structure(outline(Entry(entry.manifest, files))) == structure(load(entry))
    assert files.count < 10_000 < (tmp_path / "adapter_model.safetensors").stat().st_size / 100


@pytest.mark.parametrize("kind", KINDS)
def test_an_outline_is_the_adapter_without_its_values(tmp_path, kind):
    trained(tmp_path, KINDS[kind])
    entry = entry_of(tmp_path)
    told = outline(entry, "ada/poet")
    assert structure(told) == structure(load(entry, "ada/poet"))
    tensors = [
        one.A if isinstance(one, Delta) else one
        for field in ("deltas", "shifts", "magnitudes", "biases", "tensors")
        for one in getattr(told, field).values()
    ]
    assert {tensor.device for tensor in tensors} <= {torch.device("meta")}
