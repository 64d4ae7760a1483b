"""Who would misread an adapter: what engines are known to do with the features it has."""

from collections.abc import Iterable, Iterator

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.features import FEATURES
from adapterhub.audit.misreaders import Engine, Misreader, misreaders
from adapterhub.audit.pair import Pair
from adapterhub.finding import Finding

__all__ = ["look", "misreads"]

GENERATE = ("CAUSAL_LM", "SEQ_2_SEQ_LM")
"""Tasks of models that generate text, as PEFT calls them."""

NORMAL = "`adapterhub export REF FOLDER --normal-form`"
FUSE = "`adapterhub fuse REF --base B FOLDER` gives a plain checkpoint, with nothing left to misread"


def look(pair: Pair) -> Iterator[Finding]:
    """One finding for each engine that somebody may use; none of them is worse than worth knowing."""
    yield from misreads(pair.adapter)


def misreads(adapter: Adapter, engine: Engine | None = None) -> Iterator[Finding]:
    """What every engine misreads in an adapter, or what one does, which then is a warning."""
    amounts = {name: feature.look(adapter) for name, feature in FEATURES.items()}
    by_engine: dict[str, list[Misreader]] = {}
    for row in engine.rows() if engine else _unasked(adapter):
        if amounts[row.feature] > row.over:
            by_engine.setdefault(row.engine, []).append(row)
    for name, rows in by_engine.items():
        yield Finding(
            check="misread",
            severity="warning" if engine else "info",
            place=misreaders().engines[name].called,
            message="; ".join(dict.fromkeys(map(_sentence, rows))),
            remedy="; ".join(_remedies(rows, one_rank=len(adapter.facts.ranks) < 2)),
        )


def _unasked(adapter: Adapter) -> Iterator[Misreader]:
    """What is told to those who have not said where they run it: a classifier goes to nothing that only generates."""
    table = misreaders()
    generates = adapter.facts.task in (None, *GENERATE)
    return (row for row in table.rows if not row.quiet and (generates or not table.engines[row.engine].generates))


def _sentence(row: Misreader) -> str:
    return f"{row.says} (before {row.before})" if row.before else row.says


def _remedies(rows: list[Misreader], *, one_rank: bool) -> Iterator[str]:
    """What helps against all of them: first what normal form cures, then what each row says itself."""
    cured = [row for row in rows if row.cure == "normal-form" or (row.cure == "one-rank" and one_rank)]
    if cured:
        rest = "" if len(cured) == len(rows) else f", as far as {_some(row.feature for row in cured)} goes"
        yield f"{NORMAL} writes what is read right{rest}"
    left = [row for row in rows if row not in cured]
    yield from dict.fromkeys(row.remedy for row in left if row.remedy)
    if any(not row.remedy for row in left):
        yield FUSE


def _some(features: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(FEATURES[name].called for name in features))
