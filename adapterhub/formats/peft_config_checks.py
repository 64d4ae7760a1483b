"""What a person should know about a PEFT config before using the adapter: each check yields findings."""

from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from adapterhub.finding import Finding
from adapterhub.formats.pattern import Unreadable, compile_pattern
from adapterhub.formats.peft_parts import CONFIG, WEIGHTS
from adapterhub.formats.peft_seen import HEADS, Check, Seen, lies_in, some

__all__ = ["CHECKS", "FACTOR_CHECKS", "MUTATING", "is_path"]

TYPES = frozenset(
    """
    ADALORA ADAMSS ADAPTION_PROMPT BEFT BOFT BONE C3A CARTRIDGE CPT DEFT DELORA FOURIERFT FROD GLORA GRALORA HIRA HRA
    IA3 LILY LN_TUNING LOHA LOKR LORA MISS MULTITASK_PROMPT_TUNING OFT OSF PEANUT POLY PREFIX_TUNING PROMPT_TUNING
    PSOFT PVERA P_TUNING RANDLORA ROAD SHADOW SHIRA SUPERTUNING TINYLORA TRAINABLE_TOKENS UNILORA VBLORA VERA WAVEFT
    XLORA
    """.split()  # noqa: SIM905
)
"""The types of released versions of PEFT."""

MUTATING = ("pissa", "olora", "corda", "lora_ga", "loftq")
"""Initialisations that change the weights of the base: without them the adapter means something else."""


def _type(seen: Seen) -> Iterator[Finding]:
    config = seen.parts.config
    if not config.fields.get("peft_type"):
        yield seen.about_config("no-type", "info", "peft_type is missing; read as LORA", 'add "peft_type": "LORA"')
    elif config.type not in TYPES:
        yield seen.about_config(
            "unknown-type",
            "info",
            f"no released PEFT has the type {config.type[:60]!r}",
            "it takes the program that trained it to load it",
        )


def _base(seen: Seen) -> Iterator[Finding]:
    name = seen.parts.config.text("base_model_name_or_path")
    if name is None:
        yield seen.about_config(
            "unnamed-base",
            "warning",
            "base_model_name_or_path is empty: nothing says which model this adapter is for",
            "pin the base: `adapterhub pin REF --base B`",
        )
    elif is_path(name):
        yield seen.about_config(
            "local-base",
            "info",
            f"the base is a path on somebody's machine: {name[:200]!r}",
            "pin the base: `adapterhub pin REF --base B`",
        )


def is_path(text: str) -> bool:
    """Whether a base's name is a path and no `organisation/name`."""
    if "://" in text:
        return False
    return _is_absolute(text) or text.startswith((".", "~")) or "\\" in text or text.count("/") > 1


def _is_absolute(text: str) -> bool:
    # Most texts have no slash, and a path takes long to make.
    slashed = "/" in text or "\\" in text
    return slashed and (PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute())


def _remote_code(seen: Seen) -> Iterator[Finding]:
    fields = seen.parts.config.fields
    if said := next((field for field in ("auto_map", "trust_remote_code") if fields.get(field)), None):
        yield seen.about_config(
            "remote-code",
            "warning",
            f"{said} asks for code to be downloaded and run: {str(fields[said])[:200]}",
            "adapterhub never runs it; other tools do with trust_remote_code",
        )


def _paths(seen: Seen) -> Iterator[Finding]:
    for field, value in sorted(seen.parts.config.fields.items()):
        if field == "base_model_name_or_path":
            continue
        texts = list(_texts_in(value))
        if path := next((text for text in texts if _is_absolute(text) and len(text) > 1), None):
            yield seen.about_config(
                "absolute-path",
                "info",
                f"{field[:60]} holds a path of a machine: {path[:200]!r}",
                "nothing here follows it; take it out of the config before the adapter is shared",
            )
        elif path := next((text for text in texts if ".." in text and ".." in PureWindowsPath(text).parts), None):
            yield seen.about_config(
                "parent-path",
                "warning",
                f"{field[:60]} holds a path that leaves the folder: {path[:200]!r}",
                "adapterhub never follows it; take it out of the config before another tool does",
            )


def _texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and depth < 8:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(item, depth + 1)


def _patterns(seen: Seen) -> Iterator[Finding]:
    config = seen.parts.config
    slow, unreadable = [*config.ranks.slow, *config.alphas.slow], [*config.ranks.unreadable, *config.alphas.unreadable]
    for field in ("target_modules", "exclude_modules", "layers_pattern"):
        if text := config.text(field):
            try:
                slow += [text] if compile_pattern(text).slow else []
            except Unreadable:
                unreadable.append(text)
    if slow:
        yield seen.about_config(
            "slow-pattern",
            "warning",
            f"a pattern can keep Python's re busy for ever (catastrophic backtracking): {some(slow)}",
            "write it without a repetition inside a repetition",
        )
    if unreadable:
        yield seen.about_config(
            "unread-pattern",
            "warning",
            f"a pattern that cannot be followed: {some(unreadable)}",
            "write it shorter, without looking around and back references; or name the modules in a list",
        )


def _names(seen: Seen) -> Iterator[Finding]:
    copies = [
        name
        for name, wanted in ((seen.parts.config_name, CONFIG), (seen.parts.weights, WEIGHTS))
        if name != wanted and "(" in name
    ]
    if copies:
        yield seen.finding(
            "browser-suffix",
            "info",
            f"a browser numbered the downloads: {some(copies)}; they are kept under these names",
            f"other tools want {CONFIG} and {WEIGHTS}",
        )


def _modules_to_save(seen: Seen) -> Iterator[Finding]:
    saved = {name for name in seen.parts.config.modules_to_save if any(lies_in(t, name) for t in seen.parts.others)}
    heads = HEADS.get(seen.parts.config.text("task_type") or "", ())
    # PEFT adds every head a task may have; that a model has one of them is no news.
    expected = heads if saved.intersection(heads) else ()
    missing = set(seen.parts.config.modules_to_save) - saved - set(expected)
    if missing:
        yield seen.about_config(
            "unsaved-modules",
            "info",
            f"modules_to_save without tensors: {some(missing)}",
            "take them out of the config if the model has none; else they were lost, and the base's are used",
        )


def _no_targets(seen: Seen) -> Iterator[Finding]:
    config = seen.parts.config
    if not config.targets and not config.target_parameters:
        yield seen.about_config(
            "no-targets",
            "warning",
            "target_modules is empty: other tools cannot tell where the adapter goes",
            "its tensors name the modules: write them into target_modules, and add the folder again",
        )


def _mutated_base(seen: Seen) -> Iterator[Finding]:
    how = seen.parts.config.fields.get("init_lora_weights")
    if isinstance(how, str) and how.lower().startswith(MUTATING):
        yield seen.about_config(
            "mutated-base",
            "warning",
            f"init_lora_weights is {how[:40]!r}: training changed the base too, and this adapter fits only that one",
            "save it again with path_initial_model_for_weight_conversion",
        )


CHECKS: tuple[Check, ...] = (_type, _base, _remote_code, _paths, _patterns, _names, _modules_to_save)
"""For every type."""

FACTOR_CHECKS: tuple[Check, ...] = (_no_targets, _mutated_base)
"""For the types whose tensors are factors."""
