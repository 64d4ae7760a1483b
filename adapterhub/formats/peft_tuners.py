"""The names PEFT gives to the tensors of its other tuners. The only file that spells them.

    name  := "base_model." [ "model." module "." ] part
    part  := LoHa   "hada_" ( "w1_a" | "w1_b" | "w2_a" | "w2_b" | "t1" | "t2" )
           | LoKr   "lokr_" ( "w1" [ "_a" | "_b" ] | "w2" [ "_a" | "_b" ] | "t2" )
           | VeRA   "vera_" ( "lambda_b" | "lambda_d" | "A" | "B" )
           | IA3    "ia3_l"

VeRA's A and B belong to no module: all share them. What beside these has the name of a tuner is no tensor of a base.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from adapterhub.formats.header import TensorInfo

__all__ = ["SHARED", "TunerKey", "by_module", "is_tuned", "parse_part", "tuned_module"]

SHARED = ""
"""The module of what all modules share."""

KEY = re.compile(
    r"base_model\.(?:model\.(?P<module>.+)\.)?"
    r"(?P<part>hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2)|vera_(?:lambda_[bd]|A|B)|ia3_l)"
)
TUNERS = (
    "boft", "bone", "c3a", "delora", "fourierft", "gralora", "hada", "hra", "ia3", "lokr", "lora", "miss", "oft",
    "randlora", "road", "shira", "vblora", "vera", "waveft",
)  # fmt: skip
TUNED = re.compile(rf"(?:^|\.)(?:{'|'.join(TUNERS)})_\w+")


class TunerKey(NamedTuple):
    """A module of the base, and the part a tensor plays there."""

    module: str
    part: str


def parse_part(tensor_name: str) -> TunerKey | None:
    """Which module a tensor belongs to, and which part it plays there; None if none of these tuners has such a name.

    >>> parse_part("base_model.model.layers.0.q_proj.hada_w1_a"), parse_part("base_model.vera_A")
    (TunerKey(module='layers.0.q_proj', part='hada_w1_a'), TunerKey(module='', part='vera_A'))
    """
    match = KEY.fullmatch(tensor_name)
    return TunerKey(match["module"] or SHARED, match["part"]) if match else None


def is_tuned(tensor_name: str) -> bool:
    """Whether a name is that of some tuner's tensor, and so no parameter of a base.

    >>> is_tuned("base_model.model.q_proj.oft_R"), is_tuned("base_model.model.classifier.weight")
    (True, False)
    """
    return TUNED.search(tensor_name) is not None


def tuned_module(name: str) -> str:
    """The module whose tensor of some tuner this is, empty where it is none of a module.

    >>> tuned_module("layers.0.q_proj.boft_R"), tuned_module("vera_A"), tuned_module("classifier.weight")
    ('layers.0.q_proj', '', '')
    """
    found = TUNED.search(name)
    return name[: found.start()] if found else ""


def by_module(
    tensors: Iterable[TensorInfo], tuner: str
) -> tuple[dict[str, dict[str, TensorInfo]], tuple[TensorInfo, ...]]:
    """The tensors of one tuner (`hada`, `lokr`, …) by module and part, without its prefix; and all others."""
    modules: dict[str, dict[str, TensorInfo]] = {}
    others = []
    for info in tensors:
        key = parse_part(info.name)
        if key is not None and key.part.startswith(f"{tuner}_"):
            modules.setdefault(key.module, {})[key.part.removeprefix(f"{tuner}_")] = info
        else:
            others.append(info)
    return modules, tuple(others)
