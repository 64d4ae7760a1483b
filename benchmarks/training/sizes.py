"""How large everything is: in full as the page says, or tiny where only the plumbing is tried."""

from dataclasses import dataclass

__all__ = ["NAMES", "Sizes"]

NAMES = ("text", "digits", "pace", "robust", "forgetting", "int8")
"""The parts of training, in the order of the page."""


@dataclass(frozen=True)
class Sizes:
    """Every number that decides how long a part takes."""

    rows: int = 2400
    """Texts to learn from; an eighth of them is for validation."""
    tests: int = 350
    """Test texts of a topic, at most."""
    tokens: int = 40
    """Of a text; what is longer is cut."""
    epochs: float = 3.0
    """Of a run on texts."""
    steps: int = 400
    """Of a run on digits, 64 of them each."""
    rates: int = 4
    """Learning rates of a search."""
    seeds: int = 3
    """Of every way to train, once its rate is chosen."""
    frozen: int = 0
    """1: a frozen A is compared on texts too."""
    blocks: int = 9
    """How often the two loops take turns when their steps are timed."""
