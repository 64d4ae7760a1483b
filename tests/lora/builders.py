"""Small adapters, in memory and on disk."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from adapterhub.digest import Digest
from adapterhub.entry import Entry, FolderFiles
from adapterhub.formats.peft_keys import build_key
from adapterhub.lora.delta import Delta
from adapterhub.manifest import File, Manifest

Factors = dict[str, tuple[Tensor, Tensor]]


def delta(out: int = 6, into: int = 5, rank: int = 2, *, seed: int = 0, scale: float = 1.0) -> Delta:
    """A delta of normal numbers."""
    random = torch.Generator().manual_seed(seed)
    return Delta(torch.randn(rank, into, generator=random), torch.randn(out, rank, generator=random), scale)


def factors(modules: list[str], out: int = 6, into: int = 5, rank: int = 2, *, seed: int = 0) -> Factors:
    """The factors of several modules, all different."""
    made = {module: delta(out, into, rank, seed=seed + n) for n, module in enumerate(modules)}
    return {module: (one.A, one.B) for module, one in made.items()}


def named(pairs: Factors) -> dict[str, Tensor]:
    """The tensors under the names PEFT gives them."""
    return {build_key(module, "A"): A for module, (A, _) in pairs.items()} | {
        build_key(module, "B"): B for module, (_, B) in pairs.items()
    }


def peft_folder(folder: Path, pairs: Factors, *, extra: dict[str, Tensor] | None = None, **config: object) -> Path:
    """A PEFT folder with these factors; `extra` are further tensors under their full names."""
    folder.mkdir(parents=True, exist_ok=True)
    rank = next((A.shape[0] for A, _ in pairs.values()), 2)
    leaves = sorted({module.rpartition(".")[2] for module in pairs})
    fields = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": leaves, **config}
    (folder / "adapter_config.json").write_text(json.dumps(fields))
    tensors = {name: tensor.contiguous() for name, tensor in {**named(pairs), **(extra or {})}.items()}
    save_file(tensors, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
    return folder


def entry_of(folder: Path) -> Entry:
    """The entry that a folder is."""
    files = tuple(
        File(path=path.name, size=path.stat().st_size, sha256=Digest.of(path.read_bytes()).hex)
        for path in folder.iterdir()
    )
    return Entry(Manifest(kind="adapter", files=files), FolderFiles(folder))
