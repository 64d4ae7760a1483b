"""What the registry holds: two bases, and adapters trained on them. Everything that can be chosen stands here.

The numbers were chosen on the validation images with `search.py`; nothing was ever chosen on the test images. Every
training image is seen in `draws` variants, each pixel `jitter` off (of 16 levels) in the mean; a domain that throws
dice throws them anew for each.
"""

from dataclasses import asdict, dataclass
from typing import Any, final

__all__ = ["ADAPTERS", "BASES", "TARGETS", "AdapterPlan", "BasePlan", "Fit", "config_of"]

TARGETS = ("fc1", "fc2", "k_proj", "o_proj", "q_proj", "v_proj")
"""Every linear layer of the encoder. The patches, the positions and the head stay as they are."""


@final
@dataclass(frozen=True)
class Fit:
    """How long and how fast weights are fitted. Learning rates rise for a tenth of the steps, then fall to nothing."""

    steps: int
    rate: float
    batch: int = 64
    weight_decay: float = 0.0
    clip: float = 1.0


@final
@dataclass(frozen=True)
class BasePlan:
    """A vision transformer trained from nothing on the upright digits."""

    name: str
    hidden: int
    layers: int
    about: str
    fit: Fit
    seed: int = 0
    heads: int = 4
    patch: int = 2
    draws: int = 8
    jitter: float = 2.0

    @property
    def reference(self) -> str:
        return f"{self.name}@1"


@final
@dataclass(frozen=True)
class AdapterPlan:
    """A LoRA adapter for one domain. Half of what it sees is upright, so that it does not forget what it could do."""

    name: str
    version: str
    domain: str
    base: str
    fit: Fit
    seed: int
    rank: int = 8
    alpha: int = 16
    draws: int = 8
    jitter: float = 2.0

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"


def config_of(plan: BasePlan | AdapterPlan) -> dict[str, Any]:
    """A plan as it is written into a manifest: the choices, without the names."""
    table = asdict(plan)
    return {key: table[key] for key in table if key not in ("name", "version", "base", "about", "seed")}


SLOW = Fit(1200, 1e-3, weight_decay=0.05)
LONG, SHORT = Fit(600, 3e-3), Fit(80, 3e-3)

BASES = (
    BasePlan("digits/vit", hidden=64, layers=4, about="the base of most adapters here", fit=SLOW),
    BasePlan(
        "digits/vit-wide",
        hidden=96,
        layers=2,
        about="wider and flatter: adapters of the other base do not fit",
        fit=SLOW,
    ),
)

ADAPTERS = (
    AdapterPlan("digits/rotated", "1", "rotated", "digits/vit", SHORT, seed=1),
    AdapterPlan("digits/rotated", "2", "rotated", "digits/vit", LONG, seed=1),
    AdapterPlan("digits/mirrored", "1", "mirrored", "digits/vit", LONG, seed=2),
    AdapterPlan("digits/inverted", "1", "inverted", "digits/vit", LONG, seed=3),
    AdapterPlan("digits/blurred", "1", "blurred", "digits/vit", LONG, seed=4, rank=4, alpha=8),
    AdapterPlan("digits/noisy", "1", "noisy", "digits/vit", LONG, seed=5),
    AdapterPlan("digits/shifted", "1", "shifted", "digits/vit", LONG, seed=6, rank=4, alpha=8),
    AdapterPlan("digits/rotated-wide", "1", "rotated", "digits/vit-wide", LONG, seed=7),
)
