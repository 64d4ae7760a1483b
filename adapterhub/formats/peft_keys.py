"""The names PEFT gives to the tensors of the LoRA family. The only file that spells them.

    name := "base_model.model." module ".lora_" part [ ".weight" | ".bias" ]
    part := "A" | "B" | "E" | "embedding_A" | "embedding_B" | "magnitude_vector"

A and B are the factors of a linear layer or a convolution, the embedding's have names of their own, E is AdaLoRA's
diagonal, the magnitude is DoRA's. AdaLoRA and embeddings have no ".weight"; ".bias" is B's own bias.
"""

import re
from typing import Literal, NamedTuple

__all__ = ["PREFIX", "PeftKey", "Role", "build_key", "parse_key"]

PREFIX = "base_model.model."

Role = Literal["A", "B", "E", "embedding_A", "embedding_B", "magnitude", "bias"]

KEY = re.compile(
    r"base_model\.model\.(?P<module>.+)\.lora_"
    r"(?:(?P<part>A|B|magnitude_vector)(?:\.weight)?|(?P<bare>E|embedding_A|embedding_B)|(?P<bias>B\.bias))"
)
TAILS: dict[Role, str] = {
    "A": "lora_A.weight",
    "B": "lora_B.weight",
    "E": "lora_E",
    "embedding_A": "lora_embedding_A",
    "embedding_B": "lora_embedding_B",
    "magnitude": "lora_magnitude_vector",
    "bias": "lora_B.bias",
}
ROLES: dict[str, Role] = {tail.removeprefix("lora_").removesuffix(".weight"): role for role, tail in TAILS.items()}


class PeftKey(NamedTuple):
    """A module of the base, and the part a tensor plays there."""

    module: str
    role: Role


def parse_key(tensor_name: str) -> PeftKey | None:
    """Which module a PEFT tensor belongs to, and which part it plays there; None if no LoRA tensor has such a name.

    >>> parse_key("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight")
    PeftKey(module='model.layers.0.self_attn.q_proj', role='A')
    """
    match = KEY.fullmatch(tensor_name)
    if match is None:
        return None
    return PeftKey(match["module"], ROLES[match["part"] or match["bare"] or match["bias"]])


def build_key(module: str, role: Role) -> str:
    """The name of a tensor.

    >>> build_key("classifier", "B")
    'base_model.model.classifier.lora_B.weight'
    """
    return f"{PREFIX}{module}.{TAILS[role]}"
