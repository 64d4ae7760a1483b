"""Quantised checkpoints: whatever is added to codes is rounded away or misread, so they are told apart and refused.

Each scheme is known by what the config says or, where it says nothing, by tensors no plain checkpoint has.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from adapterhub.errors import Refused
from adapterhub.formats.header import TensorInfo

__all__ = ["insist_on_plain"]

AGAIN = "then save_pretrained() it into a folder, and take that"
SOURCE = "take the checkpoint it was quantised from"


@final
@dataclass(frozen=True)
class Scheme:
    """What people call it, how it keeps a weight, how to get plain numbers, and a tensor only it has."""

    name: str
    kept: str
    undo: str
    shows: Callable[[TensorInfo], bool]


def _fp8(info: TensorInfo) -> bool:
    return info.dtype.startswith("F8_")


# fmt: off
SCHEMES = {
    "bitsandbytes_4bit": Scheme(
        "bitsandbytes, 4 bits", "two codes in a byte and a scale for each block",
        f"load it with transformers and call model.dequantize(), {AGAIN}", lambda info: ".quant_state." in info.name),
    "bitsandbytes_8bit": Scheme(
        "bitsandbytes, 8 bits", "whole numbers and a scale (SCB) for each row",
        f"load it with transformers and call model.dequantize(), {AGAIN}", lambda info: info.name.endswith(".SCB")),
    "gptq": Scheme(
        "GPTQ", "packed codes (qweight) and scales for each group", SOURCE, lambda info: info.name.endswith(".g_idx")),
    "awq": Scheme(
        "AWQ", "packed codes (qweight) and scales for each group", SOURCE, lambda info: info.name.endswith(".qweight")),
    "mxfp4": Scheme(
        "MXFP4", "4-bit numbers (blocks), 32 of which share a scale",
        f"load it with transformers' Mxfp4Config(dequantize=True), {AGAIN}",
        lambda info: info.name.endswith("_blocks") and info.dtype == "U8"),
    "fp8": Scheme(
        "FP8", "8-bit numbers of two or three decimal digits at most, and scales (weight_scale_inv)",
        f"load it with transformers' FineGrainedFP8Config(dequantize=True), {AGAIN}",
        _fp8),
}
# fmt: on
"""The value of quant_method in a config (bitsandbytes has two) -> the scheme; what shows less comes later."""


def insist_on_plain(folder: Path, config: Mapping[str, Any], tensors: Iterable[TensorInfo]) -> None:
    """`Refused` where the weights of a checkpoint are quantised, with the scheme and what to do."""
    if (said := _said(config)) is None and (said := _shown(tensors)) is None:
        return
    scheme = SCHEMES.get(said)
    name = scheme.name if scheme else said
    kept = scheme.kept if scheme else "codes, which mean numbers only together with their scales"
    raise Refused(
        f"{folder}: its weights are quantised ({name}), kept as {kept}: what is added to them would be rounded away or "
        "misread",
        hint=f"{scheme.undo if scheme else SOURCE}; or stack the adapter on the live model, quantised as it is",
    )


def _said(config: Mapping[str, Any]) -> str | None:
    """The scheme a config names, its own or that of the language model in it."""
    inner = config.get("text_config")
    for part in (config, inner if isinstance(inner, dict) else {}):
        for key in ("quantization_config", "compression_config"):
            if asked := part.get(key):
                method = asked.get("quant_method") if isinstance(asked, dict) else None
                if method == "bitsandbytes":
                    method += "_8bit" if asked.get("load_in_8bit") else "_4bit"
                return str(method or f"{key} in config.json")
    return None


def _shown(tensors: Iterable[TensorInfo]) -> str | None:
    every = list(tensors)
    return next((key for key, scheme in SCHEMES.items() if any(map(scheme.shows, every))), None)
