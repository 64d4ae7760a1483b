"""What the checks of a PEFT adapter look at, and how they say what they found."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import final

from adapterhub.finding import Finding, Severity
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members
from adapterhub.formats.peft_parts import Parts

__all__ = ["HEADS", "Check", "Seen", "lies_in", "some"]

HEADS = {"SEQ_CLS": ("classifier", "score"), "TOKEN_CLS": ("classifier", "score"), "QUESTION_ANS": ("qa_outputs",)}
"""Modules PEFT saves with a task although the config does not name them."""


@final
@dataclass(frozen=True)
class Seen:
    """What a check looks at."""

    parts: Parts
    members: Members

    def finding(self, check: str, severity: Severity, message: str, remedy: str) -> Finding:
        return Finding(check=check, severity=severity, place=self.parts.weights, message=message, remedy=remedy)

    def about_config(self, check: str, severity: Severity, message: str, remedy: str) -> Finding:
        return Finding(check=check, severity=severity, place=self.parts.config_name, message=message, remedy=remedy)


Check = Callable[[Seen], Iterator[Finding]]


def some(names: Iterable[str]) -> str:
    """A few names and how many more there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return ", ".join(name[:120] for name in ordered[:3]) + more


def lies_in(tensor: TensorInfo, module: str) -> bool:
    """PEFT saves every module whose path ends in these letters: pre_classifier with classifier."""
    return f"{module}." in tensor.name
