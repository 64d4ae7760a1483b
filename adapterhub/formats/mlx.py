"""Adapters of Apple's mlx-lm: adapters.safetensors (or the old adapters.npz) beside adapter_config.json.

    <module>.lora_a (in, r)      <module>.lora_b (r, out)      <module>.m (out,), with DoRA
    of experts: lora_a (experts, r, in), lora_b (experts, out, r)

    update of the weight := scale · (lora_a @ lora_b)ᵀ

The scale stands in the config alone; `alpha` there is a remark that mlx-lm does not read. A full fine-tuning has the
same files, with plain weights. The config may be missing: then nobody knows the scale.
"""

import re
from dataclasses import dataclass
from typing import Any, final

from adapterhub.errors import Corrupt, NotFound
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats import factors, field, npz, safetensors_header, untrained
from adapterhub.formats.header import Header, TensorInfo
from adapterhub.formats.json_file import read_object
from adapterhub.formats.members import Members

__all__ = ["CONFIG", "MlxParts", "claims", "facts", "take_apart"]

CONFIG = "adapter_config.json"
WEIGHTS = {"adapters.safetensors": safetensors_header.read, "adapters.npz": npz.read}
OWN_FIELDS = {"lora_parameters", "fine_tune_type", "lora_layers"}

KEY = re.compile(r"(?P<module>.+)\.(?P<part>lora_a|lora_b|m)")
PARTS = {"lora_a": "down", "lora_b": "up", "m": "magnitude"}


@final
@dataclass(frozen=True)
class MlxParts:
    """An adapter taken apart: the tensors of each module as `down`, `up` and `magnitude`, and all others."""

    config: dict[str, Any]
    weights: str
    type: str
    modules: factors.Modules
    others: list[TensorInfo]

    @property
    def scale(self) -> float | None:
        """What lora_a @ lora_b is multiplied with; None where the config does not say."""
        return field.number(field.section(self.config, "lora_parameters", CONFIG), "scale", CONFIG)


def take_apart(members: Members) -> MlxParts:
    """Take an adapter apart, by config and header alone."""
    config = read_object(members, CONFIG) if CONFIG in members.names() else {}
    name, header = _weights(members)
    modules, others = factors.group(header.tensors.values(), _parse, name)
    return MlxParts(config, name, _type(config, header), modules, others)


def claims(members: Members) -> bool:
    """Whether mlx-lm wrote these: its weights by name, or a config that only it writes."""
    names = members.names()
    if any(name in names for name in WEIGHTS):
        return True
    try:
        return CONFIG in names and bool(OWN_FIELDS & read_object(members, CONFIG).keys())
    except Corrupt:
        return False


def facts(members: Members) -> Facts:
    """What config and header say."""
    config = read_object(members, CONFIG) if CONFIG in members.names() else {}
    name, header = _weights(members)
    kind = _type(config, header)
    fields = _full(header, name) if kind == "FULL" else _lora(members, name, header, config)
    if not config:
        fields["findings"].insert(0, _no_config(name))
    return Facts(format="mlx", type=kind, base_name=field.text(config, "model", CONFIG), **fields)


def _weights(members: Members) -> tuple[str, Header]:
    name = next((name for name in WEIGHTS if name in members.names()), None)
    if name is None:
        raise NotFound(
            f"no weights: wanted {' or '.join(WEIGHTS)} beside {CONFIG}, got {', '.join(members.names()[:8])}",
            hint="the config alone is no adapter: fetch or save the weights too",
        )
    with members.open(name) as stream:
        return name, WEIGHTS[name](stream, members.size(name), name)


def _type(config: dict[str, Any], header: Header) -> str:
    """LORA (also with DoRA's magnitudes) or FULL: as the config says, else as the tensors do."""
    said = field.text(config, "fine_tune_type", CONFIG)
    if said is not None:
        return "LORA" if said == "dora" else said.upper()
    return "FULL" if header.tensors and not any(map(_parse, header.tensors)) else "LORA"


def _full(header: Header, name: str) -> dict[str, Any]:
    modules, _ = factors.group(header.tensors.values(), _split, name)
    fields = factors.counts(modules, {})
    return {**fields, "details": {"weights": name}, "findings": factors.no_factors(modules, name)}


def _split(name: str) -> tuple[str, str]:
    module, _, part = name.rpartition(".")
    return module or name, part


def _lora(members: Members, name: str, header: Header, config: dict[str, Any]) -> dict[str, Any]:
    settings = field.section(config, "lora_parameters", CONFIG)
    modules, rest = factors.group(header.tensors.values(), _parse, name)
    pairs = [_pair(module, parts) for module, parts in modules.items()]
    fields = factors.counts(modules, factors.ranks_of(pairs))
    if keys := field.words(settings, "keys", CONFIG):
        fields["targets"] = tuple(sorted({factors.leaf(key) for key in keys}))
    fields["alpha"] = _alpha(settings, fields["rank"])
    fields["details"] = _details(config, settings, modules, name)
    with members.open(name) as stream:
        # The span of a packed npz array is never all zero, so such a file is only never called untrained.
        zero = untrained.findings(stream, {m: [parts["up"]] for m, parts in modules.items() if "up" in parts}, name)
    fields["findings"] = [
        *factors.no_factors(modules, name),
        *factors.missing_half(modules, name),
        *factors.odd_shapes(pairs, name),
        *factors.unexplained(rest, name),
        *zero,
        *_disagreements(settings, fields["rank"]),
    ]
    return fields


def _parse(name: str) -> tuple[str, str] | None:
    found = KEY.fullmatch(name)
    return (found["module"], PARTS[found["part"]]) if found else None


def _pair(module: str, parts: dict[str, TensorInfo]) -> factors.Pair:
    down, up = parts.get("down"), parts.get("up")
    experts = any(tensor is not None and len(tensor.shape) == 3 for tensor in (down, up))
    return factors.Pair(module, down, up, (-2, -1) if experts else (1, 0))


def _alpha(settings: dict[str, Any], rank: int | None) -> float | None:
    alpha = field.number(settings, "alpha", CONFIG)
    scale = field.number(settings, "scale", CONFIG)
    if alpha is not None or scale is None or rank is None:
        return alpha
    return scale * rank


def _disagreements(settings: dict[str, Any], rank: int | None) -> list[Finding]:
    """Where the config contradicts the tensors, or itself."""
    findings = []
    said, alpha, scale = (field.number(settings, key, CONFIG) for key in ("rank", "alpha", "scale"))
    if said is not None and rank is not None and said != rank:
        message = f"lora_parameters.rank is {said:g}, the tensors have the rank {rank}; the tensors count"
        findings.append(Finding(check="rank-differs", severity="warning", place=CONFIG, message=message))
    if alpha is not None and scale is not None and rank is not None and alpha != scale * rank:
        message = (
            f"lora_parameters.alpha is {alpha:g}, but mlx-lm applies the scale {scale:g}, an alpha of {scale * rank:g}"
        )
        findings.append(Finding(check="alpha-ignored", severity="info", place=CONFIG, message=message))
    return findings


def _no_config(name: str) -> Finding:
    return Finding(
        check="no-config",
        severity="warning",
        place=name,
        message=f"no {CONFIG} beside the weights: nobody knows their scale nor their base",
        remedy=f"put the {CONFIG} of the training run beside it",
    )


def _details(config: dict[str, Any], settings: dict[str, Any], modules: factors.Modules, name: str) -> dict[str, Any]:
    layers = [field.number(config, key, CONFIG) for key in ("num_layers", "lora_layers")]
    details = {
        "weights": name,
        "use_dora": any("magnitude" in parts for parts in modules.values()) or None,
        "scale": field.number(settings, "scale", CONFIG),
        "dropout": field.number(settings, "dropout", CONFIG),
        "num_layers": next((int(count) for count in layers if count is not None), None),
    }
    return {key: value for key, value in details.items() if value is not None}
