"""What a person should know about the tensors of a PEFT adapter before using it: each check yields findings."""

import re
from collections.abc import Iterator
from math import prod
from typing import Literal

from adapterhub.finding import Finding
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.peft_config import PeftConfig
from adapterhub.formats.peft_keys import PREFIX
from adapterhub.formats.peft_parts import is_expert, rank_of
from adapterhub.formats.peft_seen import HEADS, Check, Seen, lies_in, some
from adapterhub.formats.zeros import all_zero

__all__ = ["CHECKS", "EMBEDDINGS", "FACTOR_CHECKS", "Reason", "reason_of"]

EMBEDDINGS = ("embed_tokens", "lm_head", "wte", "word_embeddings", "embed_in", "embed_out", "shared")


def _doubled_prefix(seen: Seen) -> Iterator[Finding]:
    doubled = [name for name in seen.parts.header.tensors if name.startswith(PREFIX + "base_model.")]
    if doubled:
        yield seen.finding(
            "doubled-prefix",
            "warning",
            f"{len(doubled)} tensors repeat the prefix {PREFIX!r}: {some(doubled)}",
            "a PeftModel was wrapped twice before it was saved; other tools will match nothing",
        )


def _no_factors(seen: Seen) -> Iterator[Finding]:
    if not seen.parts.modules and not any("token_adapter" in tensor.name for tensor in seen.parts.others):
        yield seen.finding(
            "no-factors",
            "error",
            f"the config says {seen.parts.config.type}, but no tensor has the name of a factor",
            "save the adapter again with save_pretrained",
        )


def _missing_half(seen: Seen) -> Iterator[Finding]:
    halves = [
        module
        for module, roles in seen.parts.modules.items()
        if ("A" in roles) != ("B" in roles) or ("embedding_A" in roles) != ("embedding_B" in roles)
    ]
    if halves:
        yield seen.finding(
            "missing-half",
            "error",
            f"{len(halves)} of {len(seen.parts.modules)} modules have one factor of two: {some(halves)}",
            "the file was saved or cut wrongly: save it again",
        )


def _factor_shapes(seen: Seen) -> Iterator[Finding]:
    """A and B meet in the rank; experts and grouped convolutions have multiples of it."""
    odd = []
    for module, roles in seen.parts.modules.items():
        for one, other in ((roles.get("A"), roles.get("B")), (roles.get("embedding_A"), roles.get("embedding_B"))):
            if one is not None and other is not None and not _meet(one.shape, other.shape):
                odd.append(f"{module} (A {one.shape}, B {other.shape})")
    if odd:
        yield seen.finding(
            "factor-shapes",
            "error",
            f"factors that cannot be multiplied: {some(odd)}",
            "the file was saved or cut wrongly: save it again",
        )


def _output_sizes(seen: Seen) -> Iterator[Finding]:
    """A magnitude and a bias have a number for each output of B."""
    odd = []
    for module, roles in seen.parts.modules.items():
        B = roles.get("B") or roles.get("embedding_B")
        for role in ("magnitude", "bias"):
            beside = roles.get(role)
            if B is not None and B.shape and beside is not None and prod(beside.shape) != B.shape[0]:
                odd.append(f"{module} ({role} {beside.shape}, B {B.shape})")
    if odd:
        yield seen.finding(
            "output-sizes",
            "error",
            f"{len(odd)} magnitudes or biases have another size than the outputs they belong to: {some(odd)}",
            "the file was saved or cut wrongly: save it again",
        )


def _meet(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    if len(first) < 2 or len(second) != len(first):
        return False
    if len(first) == 2:
        return first[0] == second[1]
    return second[1] > 0 and first[0] % second[1] == 0


def _rank_differs(seen: Seen) -> Iterator[Finding]:
    parts = seen.parts
    if parts.config.type != "LORA":  # AdaLoRA's ranks are found in training
        return
    wrong: dict[tuple[int | None, int], list[str]] = {}
    for module in parts.modules:
        claimed, actual = parts.config.rank_of(module), rank_of(parts, module)
        if actual is not None and claimed != actual:
            wrong.setdefault((claimed, actual), []).append(module)
    for (claimed, actual), modules in sorted(wrong.items(), key=lambda item: -len(item[1]))[:3]:
        yield seen.about_config(
            "rank-differs",
            "warning",
            f"r is {claimed} by the config and {actual} by the tensors of {len(modules)} modules: {some(modules)}",
            "the tensors are right; other tools will not load it until the config says the same",
        )


def _rank_exceeds_layer(seen: Seen) -> Iterator[Finding]:
    wide = []
    for module, roles in seen.parts.modules.items():
        first, second = roles.get("A") or roles.get("embedding_A"), roles.get("B") or roles.get("embedding_B")
        if first is None or second is None or min(len(first.shape), len(second.shape)) < 2:
            continue
        rank, into, out = first.shape[0], prod(first.shape[1:]), second.shape[0]
        if rank > min(into, out) and not is_expert(seen.parts.config, module):
            wide.append(f"{module} (rank {rank}, layer {out}×{into})")
    if wide:
        yield seen.finding(
            "rank-exceeds-layer",
            "warning",
            f"a rank larger than the layer gives nothing more: {some(wide)}",
            "`adapterhub merge REF NAME --rank N` gives the same change with fewer numbers",
        )


def _untrained(seen: Seen) -> Iterator[Finding]:
    """B begins as zeros, AdaLoRA's E does, and an embedding's A: where they still are zero, nothing was learned."""
    pairs = [
        tensor
        for roles in seen.parts.modules.values()
        for tensor in (roles.get("E") or roles.get("B"), roles.get("embedding_A"))
        if tensor is not None and tensor.end > tensor.start
    ]
    with seen.members.open(seen.parts.weights) as stream:
        zero = [tensor.name for tensor in pairs if all_zero(stream, tensor.start, tensor.end)]
    if zero and len(zero) == len(pairs):
        yield seen.finding(
            "untrained",
            "warning",
            f"a factor that begins as zero still is in all {len(zero)} modules: the adapter changes nothing",
            "it was saved before it was trained; look for a later checkpoint",
        )
    elif zero:
        yield seen.finding(
            "partly-untrained",
            "info",
            f"{len(zero)} of {len(pairs)} modules are zero: {some(zero)}",
            "training never reached them: leave them out of target_modules, or find out why",
        )


Reason = Literal["head", "embedding", "bias", "tokens", ""]


def reason_of(tensor: TensorInfo, config: PeftConfig) -> Reason:
    """Why a tensor that is no factor is there, as far as the config says; nothing where it does not."""
    if any(lies_in(tensor, head) for head in (*config.modules_to_save, *HEADS.get(config.text("task_type") or "", ()))):
        return "head"
    if any(lies_in(tensor, embedding) for embedding in EMBEDDINGS):
        return "embedding"
    ending = {"all": ".bias", "lora_only": ".base_layer.bias"}.get(str(config.fields.get("bias")))
    if ending and tensor.name.startswith(PREFIX) and tensor.name.endswith(ending):
        return "bias"
    return "tokens" if re.search(r"\.token_adapter\.trainable_tokens_(delta|original)", tensor.name) else ""


def _unexplained(seen: Seen) -> Iterator[Finding]:
    odd = [tensor.name for tensor in seen.parts.others if not reason_of(tensor, seen.parts.config)]
    if odd:
        yield seen.finding(
            "unexplained-tensors",
            "warning",
            f"nothing in the config explains {len(odd)} tensors: {some(odd)}",
            "other tools leave them out: name their modules in modules_to_save if they were trained",
        )


CHECKS: tuple[Check, ...] = (_doubled_prefix,)
"""For every type."""

FACTOR_CHECKS: tuple[Check, ...] = (
    _no_factors,
    _missing_half,
    _factor_shapes,
    _output_sizes,
    _rank_differs,
    _rank_exceeds_layer,
    _untrained,
    _unexplained,
)
"""For the types whose tensors are factors."""
