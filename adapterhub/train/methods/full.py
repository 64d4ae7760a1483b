"""Everything is trained, and a whole model saved: what adapters are compared with."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from adapterhub.formats.safetensors_write import write as write_tensors
from adapterhub.train.methods.attached import Attached
from adapterhub.train.methods.request import Request
from adapterhub.train.methods.write import file_bytes, raw
from adapterhub.train.quiet import quiet

__all__ = ["attach"]


def attach(request: Request) -> Attached:
    """Every parameter is trained."""
    request.model.requires_grad_(True)
    return Attached(request.model, partial(_save, request.model), partial(_file_bytes, request.model))


def _save(model: Any, folder: Path, base: str) -> None:
    """A checkpoint that loads as the base did; `base` stands in no file of a whole model."""
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(model, "save_pretrained"):
        _save_pretrained(model, folder)
        return
    write_tensors({name: raw(tensor) for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    config = {"architectures": [type(model).__name__], **_config(model)}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")


def _file_bytes(model: Any) -> int:
    """transformers writes what is shared once."""
    state = model.state_dict()
    if hasattr(model, "save_pretrained"):
        state = {name: state[name] for name in {tensor.data_ptr(): name for name, tensor in state.items()}.values()}
    return file_bytes(state)


def _save_pretrained(model: Any, folder: Path) -> None:
    """As transformers names the tensors, and without its progress bar."""
    with quiet():
        model.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)


def _config(model: nn.Module) -> dict[str, Any]:
    """The model's own config, where it has one as plain data."""
    config: Any = getattr(model, "config", None)
    found = config.to_dict() if hasattr(config, "to_dict") else config
    return dict(found) if isinstance(found, dict) else {}
