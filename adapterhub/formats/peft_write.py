"""A PEFT folder in normal form, which every reader reads the same way.

Normal form: the scale is folded into B, so alpha = r and nothing divides by a root; the target modules are whole paths,
sorted, so none matches a module that has no tensors; rank_pattern and alpha_pattern stand only where ranks differ. The
same factors give the same bytes.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.formats.peft_experts import EXPERT, nested, one_pair
from adapterhub.formats.peft_keys import PREFIX, build_key
from adapterhub.formats.peft_parts import CONFIG, WEIGHTS
from adapterhub.formats.safetensors_write import Raw
from adapterhub.formats.safetensors_write import write as write_tensors

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Beside", "Factors", "normal_config", "write"]


@final
@dataclass(frozen=True, eq=False)
class Factors:
    """One module: A (r, in) and B (out, r) with ΔW = B·A.

    `kernel` is a convolution's, and B block-diagonal where it works in `groups`; `bias` (out,) is B's own, `magnitude`
    (out,) is DoRA's.
    """

    A: "np.ndarray"
    B: "np.ndarray"
    kind: Literal["linear", "embedding", "conv"] = "linear"
    kernel: tuple[int, ...] = ()
    groups: int = 1
    bias: "np.ndarray | None" = None
    magnitude: Raw | None = None


@final
@dataclass(frozen=True, eq=False)
class Beside:
    """What stands in place of the base's: biases by module, whole tensors by parameter, rows by embedding."""

    biases: Mapping[str, Raw] = field(default_factory=dict)
    tensors: Mapping[str, Raw] = field(default_factory=dict)
    rows: Mapping[str, tuple[tuple[int, ...], Raw]] = field(default_factory=dict)


def write(
    factors: Mapping[str, Factors],
    folder: Path,
    *,
    beside: Beside | None = None,
    base_name: str | None = None,
    task: str | None = None,
    fields: Mapping[str, Any] | None = None,
    bits: str = "",
) -> None:
    """Write adapter_config.json and adapter_model.safetensors into a folder, made if need be.

    `fields` are further fields of the config, such as `revision`, or `fan_in_fan_out` where the modules are Conv1D;
    they win over those made here. `bits` is the type of the factors
    where numpy has none (BF16): then the arrays hold its bits.
    """
    beside, factors = beside or Beside(), dict(factors)
    every = {module: _rank(module, one.A.shape, one.B.shape) for module, one in factors.items()}
    experts = _take_experts(factors)
    ranks = {module: rank for module, rank in every.items() if module in factors}
    biased = any(one.bias is not None for one in factors.values())
    stretched = any(one.magnitude is not None for one in factors.values())
    config = {
        **normal_config(ranks, {parameter: rank for parameter, (rank, _) in experts.items()}),
        **_config_beside(beside, ranks),
        **({"lora_bias": True} if biased else {}),
        **({"use_dora": True} if stretched else {}),
        "base_model_name_or_path": base_name,
        "task_type": task,
        **(fields or {}),
    }
    pairs = [pair for module in sorted(factors) for pair in _tensors(module, factors[module], biased)]
    tensors = {name: Raw.of(array, bits) for name, array in (*pairs, *_expert_tensors(experts))}
    tensors |= {**dict(_magnitudes(factors)), **dict(_tensors_beside(beside, ranks))}
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(tensors, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True, allow_nan=False) + "\n", "utf-8")


def _rank(module: str, first: tuple[int, ...], second: tuple[int, ...]) -> int:
    if len(first) != 2 or len(second) != 2 or first[0] != second[1] or not first[0]:
        raise DoesNotFit(
            f"{module}: wanted A (r, in) and B (out, r) with r > 0, got A {first} and B {second}",
            hint="give factors whose product has the shape of the weight",
        )
    return first[0]


def _take_experts(factors: dict[str, Factors]) -> "dict[str, tuple[int, tuple[np.ndarray, np.ndarray]]]":
    """The factors of experts, out of all: by parameter, their rank and the pair that holds all of them."""
    found: dict[str, dict[int, tuple[np.ndarray, np.ndarray]]] = {}
    for name in [name for name in factors if EXPERT.fullmatch(name)]:
        parameter, _, number = name.removesuffix("]").rpartition("[")
        one = factors.pop(name)
        found.setdefault(parameter, {})[int(number)] = one.A, one.B
    return {parameter: one_pair(experts) for parameter, experts in sorted(found.items())}


def _expert_tensors(
    experts: "Mapping[str, tuple[int, tuple[np.ndarray, np.ndarray]]]",
) -> "Iterator[tuple[str, np.ndarray]]":
    places = nested(experts)
    for parameter, (_, (A, B)) in experts.items():
        yield build_key(places[parameter], "A"), A
        yield build_key(places[parameter], "B"), B


def _tensors(module: str, one: Factors, biased: bool) -> "Iterator[tuple[str, np.ndarray]]":
    import numpy as np

    A, B = np.ascontiguousarray(one.A), np.ascontiguousarray(one.B)
    if one.kind == "embedding":
        yield build_key(module, "embedding_A"), A
        yield build_key(module, "embedding_B"), B
        return
    if one.groups > 1:
        blocks = (np.split(rows, one.groups, 1)[group] for group, rows in enumerate(np.split(B, one.groups)))
        B = np.concatenate(list(blocks))
    yield build_key(module, "A"), A.reshape(len(A), -1, *one.kernel)
    yield build_key(module, "B"), B.reshape(*B.shape, *(1 for _ in one.kernel))
    if biased:  # a config says of all modules at once whether B has a bias
        yield build_key(module, "bias"), np.zeros(len(B), B.dtype) if one.bias is None else one.bias


def _magnitudes(factors: Mapping[str, Factors]) -> Iterator[tuple[str, Raw]]:
    for module, one in sorted(factors.items()):
        if one.magnitude is not None:
            shape = (1, len(one.B), *(1 for _ in one.kernel)) if one.kernel else (len(one.B),)
            yield build_key(module, "magnitude"), replace(one.magnitude, shape=shape)


def _tensors_beside(beside: Beside, ranks: Mapping[str, int]) -> Iterator[tuple[str, Raw]]:
    for module, bias in sorted(beside.biases.items()):
        yield f"{PREFIX}{module}{'.base_layer' if module in ranks else ''}.bias", bias
    for name, tensor in sorted(beside.tensors.items()):
        module, _, leaf = name.rpartition(".")
        # A module that has factors too is not in modules_to_save: there PEFT would leave the factors out.
        yield f"{PREFIX}{module}{'.base_layer' if module in ranks else ''}.{leaf}", tensor
    for module, (_, values) in sorted(beside.rows.items()):
        yield f"{PREFIX}{module}.token_adapter.trainable_tokens_delta", values


def _config_beside(beside: Beside, ranks: Mapping[str, int]) -> dict[str, Any]:
    saved = sorted({name.rpartition(".")[0] for name in beside.tensors} - ranks.keys())
    bias = "none" if not beside.biases else "lora_only" if beside.biases.keys() <= ranks.keys() else "all"
    tokens = {module: list(indices) for module, (indices, _) in sorted(beside.rows.items())}
    return {
        "bias": bias,
        "modules_to_save": saved or None,
        **({"trainable_token_indices": tokens} if tokens else {}),
    }


def normal_config(ranks: Mapping[str, int], parameters: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The fields of a config for modules of these ranks, and parameters of experts.

    >>> normal_config({"q": 4, "v": 4, "o": 2})["rank_pattern"]
    {'o': 2}
    """
    modules, ranks = ranks, {**ranks, **(parameters or {})}
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
        "target_modules": sorted(modules),
        **({"target_parameters": sorted(parameters)} if parameters else {}),
        "use_dora": False,
        "use_rslora": False,
    }


def _pattern(module: str, ranks: Mapping[str, int]) -> str:
    """The module's path; a pattern also matches the end of a longer path, which `^` forbids where that would matter."""
    text = module if re.fullmatch(r"[\w.]+", module) else re.escape(module)
    longer = (other for other in ranks if other.endswith(f".{module}") and ranks[other] != ranks[module])
    return f"^{text}" if any(longer) else text
