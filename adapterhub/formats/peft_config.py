"""adapter_config.json of PEFT: what its fields mean, and all of them kept, known or not.

scale of a module := alpha / r            alpha / √r with use_rslora, alpha / (r + 1e-5) for AdaLoRA
r, alpha          := the value of the first pattern that matches the module, else r and lora_alpha
pattern           matches a module by the regular expression (.*\\.)?(pattern)$
target_modules    a list: the module, or its end after a dot; a text: a regular expression for the whole path
"""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from adapterhub.errors import Corrupt
from adapterhub.formats.json_file import parse_object
from adapterhub.formats.pattern import Pattern, Unreadable, compile_pattern

__all__ = ["FACTORED", "PatternTable", "PeftConfig", "read"]

FACTORED = ("LORA", "ADALORA")
"""The types whose tensors are the factors A and B."""

PLAIN = re.compile(r"[\w.\-]+")


@final
class PatternTable:
    """The patterns of rank_pattern or alpha_pattern, in their order."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self._ordered = list(self.values.values())
        self.unreadable: list[str] = []
        self.slow: list[str] = []
        # A path has no choice but its own end, so most patterns are looked up. A dot in one stands for any character.
        self._plain: dict[tuple[int, tuple[int, ...]], dict[str, int]] = {}
        self._regex: dict[int, Pattern] = {}
        for number, text in enumerate(self.values):
            if PLAIN.fullmatch(text):
                dots = tuple(i for i, char in enumerate(text) if char == ".")
                self._plain.setdefault((len(text), dots), {}).setdefault(text, number)
            else:
                self._compile(number, text)

    def _compile(self, number: int, text: str) -> None:
        try:
            self._regex[number] = compile_pattern(text)
        except Unreadable:
            self.unreadable.append(text)
            return
        if self._regex[number].slow:
            self.slow.append(text)

    def get(self, module: str, default: Any) -> Any:
        """The value of the first pattern that matches a module."""
        if not self.values:
            return default
        matches = [number for shape, group in self._plain.items() if (number := _look_up(module, shape, group)) >= 0]
        best = min(matches, default=len(self.values))
        best = next((number for number, regex in self._regex.items() if number < best and regex.ends(module)), best)
        return default if best == len(self.values) else self._ordered[best]


def _look_up(module: str, shape: tuple[int, tuple[int, ...]], group: dict[str, int]) -> int:
    length, dots = shape
    start = len(module) - length
    if start < 0 or (start > 0 and module[start - 1] != "."):
        return -1
    tail = list(module[start:])
    for dot in dots:
        tail[dot] = "."
    return group.get("".join(tail), -1)


@final
@dataclass(frozen=True)
class PeftConfig:
    """A config that was read. `fields` is the file as it stands."""

    fields: dict[str, Any]
    type: str
    r: int | None
    alpha: float | None
    ranks: PatternTable
    alphas: PatternTable

    @property
    def targets(self) -> tuple[str, ...]:
        """target_modules, sorted; a text is one of them, null is none."""
        return _words(self.fields.get("target_modules"))

    def is_target(self, module: str) -> bool:
        """Whether target_modules means a module. A text that is not read here is taken to."""
        if isinstance(text := self.fields.get("target_modules"), str):
            with suppress(Unreadable):
                return compile_pattern(text).fullmatch(module)
        return isinstance(text, str) or any(f".{module}".endswith(f".{target}") for target in self.targets)

    @property
    def modules_to_save(self) -> tuple[str, ...]:
        return _words(self.fields.get("modules_to_save"))

    @property
    def target_parameters(self) -> tuple[str, ...]:
        return _words(self.fields.get("target_parameters"))

    @property
    def rslora(self) -> bool:
        return bool(self.fields.get("use_rslora"))

    @property
    def dora(self) -> bool:
        return bool(self.fields.get("use_dora"))

    def text(self, field: str) -> str | None:
        """A field that is a text and not empty."""
        value = self.fields.get(field)
        return value if isinstance(value, str) and value.strip() else None

    def rank_of(self, module: str) -> int | None:
        """The rank the config gives a module (a path without the prefix). The tensor's shape is the truth."""
        value = self.ranks.get(module, self.r)
        return sum(map(bool, value)) if isinstance(value, list) else value

    def alpha_of(self, module: str) -> float | None:
        return _as_float(self.alphas.get(module, self.alpha))

    def scaling(self, module: str, rank: int) -> float:
        """The factor of B·A in a module whose tensors have this rank."""
        alpha = self.alpha_of(module)
        if alpha is None:
            return 1.0
        if self.type == "ADALORA":
            trained = self._trained_rank(rank)
            return (alpha if alpha > 0 else trained) / (trained + 1e-5)
        # rsLoRA divides by the root of the rank: reading alpha alone would scale such an adapter by √r too little.
        return alpha / (math.sqrt(rank) if self.rslora else rank)

    def _trained_rank(self, rank: int) -> int:
        """The rank AdaLoRA began with: PEFT keeps the scale of training when directions are taken away."""
        began = self.fields.get("init_r", 12) if self.ranks.values else rank
        return began if type(began) is int and began > 0 else rank


def read(data: bytes, what: str) -> PeftConfig:
    """Read a config; `what` names it in errors. A config without a type is LoRA, as the first ones were.

    >>> read(b'{"peft_type": "LORA", "r": 4, "lora_alpha": 16}', "adapter_config.json").scaling("q_proj", 4)
    4.0
    """
    fields = parse_object(data, what)
    kind = fields.get("peft_type") or "LORA"
    if not isinstance(kind, str):
        raise Corrupt(
            f"{what}: peft_type: wanted a text such as LORA, got {str(kind)[:60]!r}",
            hint="mend this field: peft_type is LORA in most adapters",
        )
    kind = kind.upper().removeprefix("PEFTTYPE.")
    factored = kind in FACTORED
    ranks = _table(fields, "rank_pattern", what)
    alphas = _table(fields, "alpha_pattern", what)
    for pattern, rank in ranks.items():
        if factored and not (isinstance(rank, list) and kind == "ADALORA"):
            _check_rank(rank, f"{what}: rank_pattern: {pattern[:60]}", 1)
    for pattern, alpha in alphas.items():
        _check_number(alpha, f"{what}: alpha_pattern: {pattern[:60]}")
    rank = fields.get("r", 8 if factored else None)
    if rank is not None or factored:
        _check_rank(rank, f"{what}: r", int(factored))
    field = "lora_alpha" if factored or "lora_alpha" in fields else "alpha"
    alpha = fields.get(field, 8 if factored else None)
    if alpha is not None or factored:
        _check_number(alpha, f"{what}: {field}")
    return PeftConfig(fields, kind, rank, _as_float(alpha), PatternTable(ranks), PatternTable(alphas))


def _table(fields: dict[str, Any], field: str, what: str) -> dict[str, Any]:
    value = fields.get(field) or {}
    if not isinstance(value, dict):
        raise Corrupt(
            f"{what}: {field}: wanted an object of patterns, got {str(value)[:60]!r}",
            hint="mend this field: it is {pattern: number}, or {} for none",
        )
    return value


def _check_rank(rank: Any, place: str, least: int) -> None:
    if type(rank) is not int or rank < least:
        raise Corrupt(
            f"{place}: a rank is a whole number of at least {least}, got {rank!r}",
            hint="nothing trained has such a rank: take the config from the training run",
        )


def _check_number(alpha: Any, place: str) -> None:
    if _as_float(alpha) is None:
        raise Corrupt(
            f"{place}: wanted a finite number, got {str(alpha)[:60]!r}",
            hint="take the config from the training run: the scale of every weight change hangs on it",
        )


def _as_float(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(sorted({word for word in value if isinstance(word, str)})) if isinstance(value, list) else ()
