"""What is no change of weights that could be composed: refused by name, never left out in silence."""

from collections.abc import Callable, Collection, Iterator

from adapterhub.errors import Refused
from adapterhub.formats.peft_config_checks import MUTATING
from adapterhub.formats.peft_keys import parse_key
from adapterhub.formats.peft_parts import Parts
from adapterhub.formats.peft_tuners import is_tuned
from adapterhub.lora.values import DTYPES, FLOATS

__all__ = ["refuse"]

SETTINGS = {
    "alora_invocation_tokens": "aLoRA, which acts only after certain tokens",
    "arrow_config": "an Arrow router over several adapters",
    "enable_lora": "LoRA on some thirds of a merged layer, as peft before 0.3 wrote it",
    "kasa_config": "KaSA, which changes the base's own singular values",
    "layer_replication": "trained on a model whose layers were replicated",
    "use_bdlora": "block-diagonal LoRA",
    "use_qalora": "QALoRA, whose A acts on pooled inputs",
}
"""Fields of the config that change what the factors mean -> what the adapter then is."""

PROMPT = "it is a prompt of trained vectors, not a change of weights"
OTHER = "it adds to the weights, but not as a product of two factors"
ROUTER = "it mixes several adapters for every input anew"
TYPES = {
    "ADAPTION_PROMPT": "it is a prompt inside the attention, not a change of weights",
    "BOFT": "it multiplies the weights by butterfly rotations",
    "BONE": OTHER,
    "C3A": OTHER,
    "CARTRIDGE": "it is a trained prefix of keys and values, not a change of weights",
    "CPT": PROMPT,
    "FOURIERFT": OTHER,
    "HIRA": "it multiplies the weights entry by entry",
    "HRA": "it reflects the weights",
    "MISS": OTHER,
    "MULTITASK_PROMPT_TUNING": PROMPT,
    "OFT": "it rotates the weights",
    "POLY": ROUTER,
    "PREFIX_TUNING": "it is a prefix of keys and values, not a change of weights",
    "PROMPT_TUNING": PROMPT,
    "P_TUNING": PROMPT,
    "RANDLORA": OTHER,
    "ROAD": "it rotates the outputs",
    "SHIRA": OTHER,
    "VBLORA": OTHER,
    "WAVEFT": OTHER,
    "XLORA": ROUTER,
}
"""Types that are known and not read here -> why."""

HINT = "peft can load it; `adapterhub show` tells what it carries"
RESIDUAL = (
    "save it again with peft's path_initial_model_for_weight_conversion; "
    "if your base is the one training left behind, set init_lora_weights to true"
)


def refuse(parts: Parts, readable: Collection[str], name: str) -> None:
    """Nothing if the adapter can be read; else `Refused` with the reason."""
    for look in REASONS:
        for reason, hint in look(parts, readable):
            raise Refused(f"{name}: {reason}", hint=hint)


Look = Callable[[Parts, Collection[str]], Iterator[tuple[str, str]]]
"""Reasons, each with what to do."""


def _type(parts: Parts, readable: Collection[str]) -> Iterator[tuple[str, str]]:
    kind = parts.config.type
    if kind not in readable:
        why = TYPES.get(kind, "it is not known how it changes the weights")
        yield f"an adapter of the type {kind} cannot be composed: {why}", HINT


def _settings(parts: Parts, _readable: Collection[str]) -> Iterator[tuple[str, str]]:
    for field, meaning in SETTINGS.items():
        if parts.config.fields.get(field):
            yield f"it is {meaning} ({field} in {parts.config_name}), which cannot be composed", HINT


def _mutated(parts: Parts, _readable: Collection[str]) -> Iterator[tuple[str, str]]:
    how = parts.config.fields.get("init_lora_weights")
    if isinstance(how, str) and how.lower().startswith(MUTATING):
        yield f"init_lora_weights is {how[:40]!r}: training changed the base too, and it fits only that one", RESIDUAL


def _dtypes(parts: Parts, _readable: Collection[str]) -> Iterator[tuple[str, str]]:
    for tensor in parts.header.tensors.values():
        factor = parse_key(tensor.name) is not None or is_tuned(tensor.name)
        wanted = FLOATS if factor else DTYPES
        if tensor.dtype not in wanted:
            yield f"{tensor.name} is {tensor.dtype}, not one of {', '.join(wanted)}", HINT


REASONS: tuple[Look, ...] = (_type, _settings, _mutated, _dtypes)
