"""A PEFT folder in normal form, which every reader reads the same way.

Normal form: the scale is folded into B, so alpha = r and nothing divides by a root; the target modules are whole paths,
sorted, so none matches a module that has no tensors; rank_pattern and alpha_pattern stand only where ranks differ. The
same deltas give the same bytes.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.formats.peft_keys import build_key
from adapterhub.formats.peft_parts import CONFIG, WEIGHTS

if TYPE_CHECKING:
    import numpy as np

    Factors = tuple[np.ndarray, np.ndarray]

__all__ = ["normal_config", "write"]


def write(
    deltas: "Mapping[str, Factors]",
    folder: Path,
    *,
    base_name: str | None = None,
    task: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> None:
    """Write adapter_config.json and adapter_model.safetensors into a folder, made if need be.

    deltas: {module: (A (r, in), B (out, r))} with ΔW = B·A. `fields` are further fields of the config, such as
    `revision`, or `fan_in_fan_out` where the modules are Conv1D; they win over those made here.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    ranks = {module: _rank(module, A.shape, B.shape) for module, (A, B) in deltas.items()}
    config = {
        **normal_config(ranks),
        "base_model_name_or_path": base_name,
        "task_type": task,
        **(fields or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    try:
        save_file(_tensors(deltas), folder / WEIGHTS, metadata={"format": "pt"})
    except SafetensorError as error:  # what the system says reaches us in its words only
        raise Refused(f"{folder / WEIGHTS}: cannot be written: {error}", hint="is there room on that disk?") from None
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True, allow_nan=False) + "\n", "utf-8")


def _rank(module: str, first: tuple[int, ...], second: tuple[int, ...]) -> int:
    if len(first) != 2 or len(second) != 2 or first[0] != second[1] or not first[0]:
        raise DoesNotFit(
            f"{module}: wanted A (r, in) and B (out, r) with r > 0, got A {first} and B {second}",
            hint="give factors whose product has the shape of the weight",
        )
    return first[0]


def _tensors(deltas: "Mapping[str, Factors]") -> "dict[str, np.ndarray]":
    import numpy as np

    tensors = {}
    for module in sorted(deltas):
        tensors[build_key(module, "A")], tensors[build_key(module, "B")] = map(np.ascontiguousarray, deltas[module])
    return tensors


def normal_config(ranks: Mapping[str, int]) -> dict[str, Any]:
    """The fields of a config for modules of these ranks.

    >>> normal_config({"q": 4, "v": 4, "o": 2})["rank_pattern"]
    {'o': 2}
    """
    if not ranks:
        raise WrongUsage("an adapter without modules cannot be written", hint="every module was left out on the way")
    common = Counter(ranks.values())
    usual = max(common, key=lambda rank: (common[rank], rank))
    patterns = {_pattern(module, ranks): rank for module, rank in sorted(ranks.items()) if rank != usual}
    return {
        "alpha_pattern": patterns,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "lora_alpha": usual,
        "lora_dropout": 0.0,
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": usual,
        "rank_pattern": patterns,
        "revision": None,
        "target_modules": sorted(ranks),
        "use_dora": False,
        "use_rslora": False,
    }


def _pattern(module: str, ranks: Mapping[str, int]) -> str:
    """The module's path; a pattern also matches the end of a longer path, which `^` forbids where that would matter."""
    text = module if re.fullmatch(r"[\w.]+", module) else re.escape(module)
    longer = (other for other in ranks if other.endswith(f".{module}") and ranks[other] != ranks[module])
    return f"^{text}" if any(longer) else text
