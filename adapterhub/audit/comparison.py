"""What `compare` answers: how alike adapters are, pair by pair and module by module, and what to make of it."""

from typing import Literal

from pydantic import Field
from typing_extensions import TypedDict

from adapterhub.document import Document
from adapterhub.finding import Finding

__all__ = ["Advice", "Compared", "Comparison", "Likeness", "Pair", "Together"]

Measure = Literal["cosine", "overlap", "sign_conflict"]


class Likeness(TypedDict):
    """Two adapters in one module, measured as in the whole."""

    cosine: float
    overlap: float
    sign_conflict: float
    sign_conflict_error: float


class Compared(Document):
    """One of the adapters. `rank`: its largest; `norm`: ‖ΔW‖ over all its modules; `left_out`: what is not compared."""

    reference: str
    digest: str = ""
    rank: int
    modules: int
    norm: float
    left_out: tuple[str, ...] = ()


class Pair(Document):
    """Two adapters, a before b as they were named. Numbers over all modules, those of one alone counting as zero.

    cosine                <ΔWa, ΔWb> / (‖ΔWa‖·‖ΔWb‖); None where one of them changes nothing
    overlap               ‖QaᵀQb‖² / min(pa, pb), the mean of the outputs' and the inputs' side, over the common modules
    overlap_by_chance     what subspaces of these ranks drawn at random would have
    sign_conflict         of the entries both change, the part whose signs differ: 0.5 between strangers, 0 where they
                          change none in common
    sign_conflict_error   its standard error where entries were drawn; 0 where all were looked at
    ratio                 ‖ΔWb‖ / ‖ΔWa‖; None where a changes nothing
    common, clashing      how many modules both change, and how many they change in different shapes
    svd_error             ‖wanted − got‖ / ‖wanted‖ of their sum, cut to the larger rank in each module; None where
                          they cancel, or clash
    advice                the rule of `advice.RULES` that holds
    """

    a: str
    b: str
    cosine: float | None
    overlap: float
    overlap_out: float
    overlap_in: float
    overlap_by_chance: float
    sign_conflict: float
    sign_conflict_error: float
    ratio: float | None
    common: int
    clashing: int = 0
    svd_error: float | None
    advice: str = ""
    modules: dict[str, Likeness] = {}

    @property
    def shared(self) -> float:
        """The overlap beyond chance: 0 for subspaces drawn at random, 1 for the same."""
        room = 1 - self.overlap_by_chance
        return max(0.0, (self.overlap - self.overlap_by_chance) / room) if room > 0 else 0.0


class Together(Document):
    """All of them in one, with equal weights: the rank of the exact sum, and the error where it is cut to `rank`.

    None where nothing is left to cut: they cancel, or clash and have no sum.
    """

    sum_rank: int
    rank: int
    svd_error: float | None


class Advice(Document):
    """What to make of some of the pairs, or, without pairs, of all: words, and the methods of a merge that suit."""

    rule: str
    message: str
    methods: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


class Comparison(Document):
    """How alike several adapters are, every pair of them, in the order in which they were named."""

    adapters: tuple[Compared, ...]
    pairs: tuple[Pair, ...]
    together: Together
    advice: tuple[Advice, ...] = ()
    findings: tuple[Finding, ...] = Field(default=())

    def matrix(self, measure: Measure) -> list[list[float | None]]:
        """One number of every pair as a symmetric matrix, in the order of `adapters`; an adapter is like itself.

        None where a pair has no such number: without a common module there is no overlap, and no sign to differ.
        """
        names = [one.reference for one in self.adapters]
        own = 0.0 if measure == "sign_conflict" else 1.0
        found: dict[tuple[str, str], float | None] = {(name, name): own for name in names}
        for pair in self.pairs:
            value = getattr(pair, measure) if pair.common or measure == "cosine" else None
            found[pair.a, pair.b] = found[pair.b, pair.a] = value
        return [[found[a, b] for b in names] for a in names]
