"""LoRA adapters of llama.cpp: a GGUF file whose general.type is `adapter`.

blk.0.attn_q.weight.lora_a (r, in)     blk.0.attn_q.weight.lora_b (out, r)     shapes as numpy has them
of experts: one dimension more in front
of the token embedding: lora_a (vocabulary, r), because rows of it are looked up

scale := adapter.lora.alpha / r, and 1 where alpha is 0 or missing
"""

import re
from typing import Any

from adapterhub.errors import Corrupt, NotFound
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats import factors, field, gguf_header, untrained
from adapterhub.formats.gguf_header import GgufHeader
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members

__all__ = ["claims", "facts"]

SUFFIX = ".gguf"
KEY = re.compile(r"(?P<module>.+?)(?:\.weight)?\.(?P<part>lora_a|lora_b)")
PARTS = {"lora_a": "down", "lora_b": "up"}
DETAILS = {
    "architecture": "general.architecture",
    "name": "general.name",
    "task_name": "adapter.lora.task_name",
    "prompt_prefix": "adapter.lora.prompt_prefix",
}
LONGEST_DETAIL = 500


def claims(members: Members) -> bool:
    """Whether there is one GGUF file and it is an adapter, or so damaged that it could be one."""
    name = _the_file(members)
    if name is None:
        return False
    try:
        return _header(members, name).values.get("general.type") == "adapter"
    except Corrupt:
        return True


def facts(members: Members) -> Facts:
    """What the keys and the tensors say."""
    name = _the_file(members)
    if name is None:
        raise NotFound(f"wanted one {SUFFIX} file, got {', '.join(members.names()[:8])}", hint="name the file itself")
    header = _header(members, name)
    if (said := header.values.get("general.type")) != "adapter":
        raise Corrupt(f"{name}: general.type: wanted 'adapter', got {str(said)[:40]!r}", hint="this is a whole model")
    modules, rest = factors.group(header.tensors.values(), _parse, name)
    pairs = [_pair(module, parts) for module, parts in modules.items()]
    with members.open(name) as stream:
        zero = untrained.findings(stream, {m: list(parts.values()) for m, parts in modules.items()}, name)
    alpha = field.number(header.values, "adapter.lora.alpha", name) or None
    return Facts(
        format="gguf",
        type=(field.text(header.values, "adapter.type", name) or "lora").upper()[:40],
        alpha=alpha,
        base_name=_base_name(header, name),
        details=_details(header),
        findings=(
            *factors.no_factors(modules, name),
            *factors.missing_half(modules, name),
            *factors.odd_shapes(pairs, name),
            *factors.unexplained([tensor for tensor in rest if not tensor.name.endswith("_norm.weight")], name),
            *zero,
            *_no_alpha(alpha, name),
        ),
        **factors.counts(modules, factors.ranks_of(pairs)),
    )


def _the_file(members: Members) -> str | None:
    files = [name for name in members.names() if name.endswith(SUFFIX)]
    return files[0] if len(files) == 1 else None


def _header(members: Members, name: str) -> GgufHeader:
    with members.open(name) as stream:
        return gguf_header.read(stream, members.size(name), name)


def _parse(name: str) -> tuple[str, str] | None:
    found = KEY.fullmatch(name)
    return (found["module"], PARTS[found["part"]]) if found else None


def _pair(module: str, parts: dict[str, TensorInfo]) -> factors.Pair:
    return factors.Pair(module, parts.get("down"), parts.get("up"), (-1 if module == "token_embd" else -2, -1))


def _no_alpha(alpha: float | None, name: str) -> list[Finding]:
    if alpha is not None:
        return []
    message = "adapter.lora.alpha is 0 or missing: llama.cpp applies the factors unscaled"
    return [Finding(check="no-alpha", severity="info", place=name, message=message)]


def _base_name(header: GgufHeader, name: str) -> str | None:
    """The first base: owner and name from its address, else its name."""
    address = field.text(header.values, "general.base_model.0.repo_url", name)
    if address:
        return "/".join(address.rstrip("/").split("/")[-2:])
    base = field.text(header.values, "general.base_model.0.name", name)
    owner = field.text(header.values, "general.base_model.0.organization", name)
    return f"{owner}/{base}" if base and owner else base


def _details(header: GgufHeader) -> dict[str, Any]:
    found = {name: header.values.get(key) for name, key in DETAILS.items()}
    details: dict[str, Any] = {name: text[:LONGEST_DETAIL] for name, text in found.items() if isinstance(text, str)}
    tokens = header.values.get("adapter.alora.invocation_tokens")
    if isinstance(tokens, list) and all(type(token) is int for token in tokens):
        details["invocation_tokens"] = tokens
    return {"version": header.version, **details}
