"""LoRA files of diffusers (`pytorch_lora_weights.safetensors`), in all the dialects it has written or reads.

    unet.….to_q.lora.down.weight            unet.….attn1.processor.to_q_lora.down.weight   (the oldest without `unet.`)
    text_encoder.….lora_linear_layer.up.weight          transformer.….lora_down.weight
    and PEFT's names under a component: those are read by `peft_keys`

`down` is (r, in), `up` is (out, r); `<module>.alpha` may stand beside them. Without it the scale is 1. Newer files
carry the PEFT configs of their components as JSON in the metadata key `lora_adapter_metadata`.
"""

import re
from collections import Counter
from typing import Any

from adapterhub.errors import Corrupt
from adapterhub.facts import Facts
from adapterhub.formats import alphas, factors, field, kohya, single, untrained
from adapterhub.formats.header import Header, TensorInfo
from adapterhub.formats.json_file import parse_object
from adapterhub.formats.members import Members
from adapterhub.formats.peft_keys import PREFIX, parse_key

__all__ = ["claims", "facts"]

OWN_NAME = "pytorch_lora_weights.safetensors"
CONFIGS = "lora_adapter_metadata"

COMPONENT = re.compile(r"(?P<component>unet|text_encoder(?:_\d)?|transformer(?:_\w+)?|diffusion_model|connectors)\.")
KEY = re.compile(
    r"(?P<module>.+?)(?:\.lora\.|\.lora_linear_layer\.|\.lora_|_lora\.)(?P<part>down|up)\.weight|(?P<scaled>.+?)(?:[._]lora|\.lora_linear_layer)?\.alpha"
)
PROCESSOR = ".processor."
FROM_PEFT = {"A": "down", "B": "up", "magnitude": "magnitude", "bias": "bias"}


def parse(name: str) -> tuple[str, str] | None:
    """The module and the part of a tensor's name.

    >>> parse("unet.mid_block.attn1.processor.to_q_lora.down.weight")
    ('unet.mid_block.attn1.to_q', 'down')
    """
    if not COMPONENT.match(name) and PROCESSOR not in name:
        return None
    if (key := parse_key(PREFIX + name)) and key.role in FROM_PEFT:
        return key.module, FROM_PEFT[key.role]
    found = KEY.fullmatch(name)
    if found is None:
        return None
    module = found["module"] or found["scaled"]
    return module.replace(PROCESSOR, "."), found["part"] or "alpha"


def claims(members: Members) -> bool:
    """Whether the names of the tensors are diffusers'; a file under diffusers' own name is too if nobody else's fit."""
    own = OWN_NAME if OWN_NAME in members.names() else None
    header = single.peek(members, own)
    if header is None:
        return own is not None
    if any(_is_factor(name) for name in header.tensors):
        return True
    return own is not None and not any(kohya.parse(name) for name in header.tensors)


def facts(members: Members) -> Facts:
    """What the header says."""
    name, header = single.header_of(members, OWN_NAME if OWN_NAME in members.names() else None)
    modules, rest = factors.group(header.tensors.values(), parse, name)
    pairs = factors.pairs_of(modules)
    alpha, several, findings = alphas.settle(alphas.read(members, name, modules), name)
    configs = _configs(header, name)
    with members.open(name) as stream:
        zero = untrained.findings(stream, {m: _product(parts) for m, parts in modules.items()}, name)
    fields = factors.counts(modules, factors.ranks_of(pairs))
    return Facts(
        format="diffusers",
        type="LORA",
        alpha=alpha if alpha is not None else _alpha(configs, name),
        base_name=_base_name(configs, name),
        details=_details(modules, several, configs),
        findings=(
            *factors.no_factors(modules, name),
            *factors.missing_half(modules, name),
            *factors.odd_shapes(pairs, name),
            *factors.unexplained(rest, name),
            *zero,
            *findings,
        ),
        **fields,
    )


def _is_factor(name: str) -> bool:
    parsed = parse(name)
    return parsed is not None and parsed[1] in ("down", "up")


def _product(parts: dict[str, TensorInfo]) -> list[TensorInfo]:
    return [parts[part] for part in ("up", "down") if part in parts]


def _configs(header: Header, name: str) -> dict[str, Any]:
    """The PEFT configs of the components, flattened: `unet.lora_alpha` and so on."""
    text = header.metadata.get(CONFIGS)
    try:
        return {} if text is None else parse_object(text.encode(), f"{name}: {CONFIGS}")
    except UnicodeEncodeError:
        raise Corrupt(
            f"{name}: {CONFIGS} holds half a surrogate pair, which is no text",
            hint="the file was cut or written wrongly: save or download it again",
        ) from None


def _alpha(configs: dict[str, Any], name: str) -> float | None:
    """The alpha of the components where they agree."""
    found = {field.number(configs, key, name) for key in configs if key.endswith(".lora_alpha") or key == "lora_alpha"}
    return found.pop() if len(found) == 1 else None


def _base_name(configs: dict[str, Any], name: str) -> str | None:
    keys = (key for key in configs if key.endswith("base_model_name_or_path"))
    return next((base for key in keys if (base := field.text(configs, key, name))), None)


def _details(modules: factors.Modules, several: dict[str, int], configs: dict[str, Any]) -> dict[str, Any]:
    components = Counter(found["component"] if (found := COMPONENT.match(m)) else "unet" for m in modules)
    dora = any("magnitude" in parts for parts in modules.values())
    rslora = any(value is True for key, value in configs.items() if key.endswith("use_rslora"))
    details = {"components": dict(components), "alphas": several, "use_dora": dora, "use_rslora": rslora}
    return {key: value for key, value in details.items() if value}
