"""Where the config and the tensors of a PEFT adapter contradict each other: each check yields findings."""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from adapterhub.finding import Finding
from adapterhub.formats.pattern import Unreadable, compile_pattern
from adapterhub.formats.peft_config import PeftConfig
from adapterhub.formats.peft_keys import PREFIX
from adapterhub.formats.peft_parts import Parts, is_expert
from adapterhub.formats.peft_seen import Check, Seen, some

__all__ = ["FACTOR_CHECKS", "trained_tokens"]

TOKENS = ".token_adapter.trainable_tokens_delta"
ALL = ("all-linear", "all")
"""Words of `target_modules` that stand for whatever the model has."""

LAYER = re.compile(r".*?\.[^.]*\.(?P<number>[0-9]+)\.")
MOST_PATTERNS = 50
"""Patterns that are tried one by one, once looking them up has found nothing."""


def _magnitudes(seen: Seen) -> Iterator[Finding]:
    with_factors = [module for module, roles in seen.parts.modules.items() if "A" in roles]
    having = [module for module, roles in seen.parts.modules.items() if "magnitude" in roles]
    if seen.parts.config.dora and (without := sorted(set(with_factors) - set(having))):
        yield seen.about_config(
            "missing-magnitudes",
            "error",
            f"use_dora is set, and {len(without)} of {len(with_factors)} modules have no magnitude: {some(without)}",
            "the file was saved or cut wrongly: save it again; or take use_dora out if it was never trained with it",
        )
    elif having and not seen.parts.config.dora:
        yield seen.about_config(
            "unused-magnitudes",
            "warning",
            f"{len(having)} modules have the magnitudes of DoRA, and use_dora is not set: PEFT leaves them out",
            'write "use_dora": true into the config',
        )


def _bias_of_b(seen: Seen) -> Iterator[Finding]:
    having = [module for module, roles in seen.parts.modules.items() if "bias" in roles]
    if bool(seen.parts.config.fields.get("lora_bias")) == bool(having):
        return
    said, there = ("not set", f"{len(having)} modules have") if having else ("set", "no module has")
    yield seen.about_config(
        "lora-bias-differs",
        "warning",
        f"lora_bias is {said}, and {there} a bias of B",
        f'write "lora_bias": {"true" if having else "false"} into the config',
    )


def _untargeted(seen: Seen) -> Iterator[Finding]:
    """Factors of a module that the config does not target: PEFT makes no layer for them, and drops them."""
    targeted = _targeting(seen.parts.config)
    if targeted is None:
        return
    factored = [module for module in seen.parts.modules if not is_expert(seen.parts.config, module)]
    if dropped := [module for module in factored if not targeted(module)]:
        yield seen.about_config(
            "untargeted-modules",
            "warning",
            f"the config targets {len(factored) - len(dropped)} of the {len(factored)} modules that have factors; "
            f"PEFT leaves out those of {some(dropped)}",
            "correct target_modules, exclude_modules or layers_to_transform",
        )


Matcher = Callable[[str], bool]


def _targeting(config: PeftConfig) -> Matcher | None:
    """Whether PEFT would give a module factors; None where the config alone cannot tell."""
    if not config.targets or (len(config.targets) == 1 and config.targets[0] in ALL):
        return None
    try:
        inside, outside = _matcher(config, "target_modules"), _matcher(config, "exclude_modules")
    except Unreadable:
        return None
    numbers = _layers(config) if isinstance(config.fields.get("target_modules"), list) else None
    return lambda module: inside(module) and not outside(module) and _in_layers(module, numbers)


def _matcher(config: PeftConfig, field: str) -> Matcher:
    """A text is a regular expression for the whole path, a list has paths and their ends."""
    if text := config.text(field):
        pattern = compile_pattern(text)
        if pattern.slow:  # a finding of its own: what it should match is for whoever rewrites it to say
            raise Unreadable(text)
        return pattern.fullmatch
    value = config.fields.get(field)
    words = {word for word in value if isinstance(word, str)} if isinstance(value, list) else set()
    return lambda module: not words.isdisjoint(_ends(module))


def _ends(path: str) -> Iterator[str]:
    """A path, and what stands after each of its dots."""
    yield path
    while "." in path:
        path = path.partition(".")[2]
        yield path


def _layers(config: PeftConfig) -> set[int] | None:
    """The layers asked for; None for all. With a pattern of its own for where layers are, nobody asks."""
    value = config.fields.get("layers_to_transform")
    if config.fields.get("layers_pattern") or value is None or value == []:
        return None
    numbers = value if isinstance(value, list) else [value]
    return {number for number in numbers if type(number) is int}


def _in_layers(module: str, numbers: set[int] | None) -> bool:
    if numbers is None:
        return True
    found = LAYER.match(module)
    return found is not None and int(found["number"]) in numbers


def _idle_patterns(seen: Seen) -> Iterator[Finding]:
    """A pattern that matches nothing gives its rank or alpha to nothing: the module meant has another scale."""
    config = seen.parts.config
    if config.type != "LORA" or config.target_parameters:  # others have patterns for parameters
        return
    ends = {end for module in seen.parts.modules for end in _ends(module)}
    for field, table in (("rank_pattern", config.ranks), ("alpha_pattern", config.alphas)):
        told = {*ends, *table.unreadable, *table.slow}
        unknown = (text for text in table.values if text not in told)
        if idle := [text for text in islice(unknown, MOST_PATTERNS) if not _matches(text, seen.parts)]:
            yield seen.about_config(
                "idle-pattern",
                "warning",
                f"{field} has patterns that match no module of the adapter: {some(idle)}",
                "a pattern is the end of a module's path: correct it, or take it out",
            )


def _matches(text: str, parts: Parts) -> bool:
    pattern = compile_pattern(text)
    return any(pattern.ends(module) for module in parts.modules)


def trained_tokens(parts: Parts) -> dict[str, tuple[int, ...]]:
    """The rows that trained tokens change, by embedding."""
    value = parts.config.fields.get("trainable_token_indices")
    rows = value if isinstance(value, dict) else {"": value}
    return {module: _numbers(rows, module) for module in _deltas(parts)}


def _numbers(rows: dict[str, object], module: str) -> tuple[int, ...]:
    found = next((value for name, value in rows.items() if name in ("", *_ends(module))), None)
    return tuple(row for row in found if type(row) is int) if isinstance(found, list) else ()


def _deltas(parts: Parts) -> dict[str, int]:
    """How many rows the file has for each embedding."""
    named = {tensor.name.removeprefix(PREFIX): tensor for tensor in parts.others if tensor.name.endswith(TOKENS)}
    return {name.removesuffix(TOKENS): info.shape[0] for name, info in named.items() if info.shape}


def _tokens(seen: Seen) -> Iterator[Finding]:
    indices, there = trained_tokens(seen.parts), _deltas(seen.parts)
    said = seen.parts.config.fields.get("trainable_token_indices")
    if said and not there:
        yield seen.about_config(
            "missing-tokens",
            "error",
            "trainable_token_indices names tokens, and the file has no rows for them",
            "they were lost when it was saved: save it again, or take the tokens out if none were trained",
        )
    for module, rows in there.items():
        if rows != len(indices[module]):
            yield seen.about_config(
                "tokens-differ",
                "error",
                f"{module}: the file has rows for {rows} tokens, trainable_token_indices names {len(indices[module])}",
                "nothing tells which row is which token's: save the adapter again",
            )


FACTOR_CHECKS: tuple[Check, ...] = (_magnitudes, _bias_of_b, _untargeted, _idle_patterns, _tokens)
"""For the types whose tensors are factors."""
