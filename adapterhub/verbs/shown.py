"""What `add`, `show` and `merge` answer with: all that is known about an entry, or a folder that could be one."""

from typing import TYPE_CHECKING, Any

from adapterhub.base.pins import contradictions
from adapterhub.document import Document
from adapterhub.entry import Entry
from adapterhub.errors import Corrupt, NotFound, Refused
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.manifest import Manifest
from adapterhub.note import gather
from adapterhub.registry import Listed
from adapterhub.store.derived import facts_of
from adapterhub.store.store import Store

if TYPE_CHECKING:
    from adapterhub.formats.intake import Intake

__all__ = ["LeftOut", "Shown", "facts_or_why", "left_out", "shown"]


class LeftOut(Document):
    """A file of the folder that the entry does not take, and why."""

    path: str
    reason: str


class Shown(Document):
    """An entry, whole. `reference` is a folder where a folder was shown; `known_as` is what this store calls it."""

    reference: str
    digest: str
    manifest: Manifest
    facts: Facts
    metrics: dict[str, float] = {}
    tags: tuple[str, ...] = ()
    cost: dict[str, Any] = {}
    findings: tuple[Finding, ...] = ()
    aliases: tuple[str, ...] = ()
    license: str = ""
    values: dict[str, Any] = {}
    training: dict[str, Any] = {}
    evaluation: dict[str, Any] = {}
    """Digest of rows -> what `eval` measured on them."""
    card: str = ""
    base: dict[str, Any] = {}
    time: str = ""
    by: str = ""
    known_as: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    relative_error: float | None = None
    errors: dict[str, float] = {}


def shown(listed: Listed, entry: Entry, facts: Facts) -> Shown:
    """Everything about an entry of a registry; the manifest's base pin wins over one noted later."""
    noted = gather(entry.notes)
    pin = entry.manifest.base.plain() if entry.manifest.base else {}
    return Shown(
        reference=str(listed.reference),
        digest=str(listed.digest),
        manifest=entry.manifest,
        facts=facts,
        metrics=noted.metrics,
        tags=noted.tags,
        cost=noted.cost,
        findings=(*_open(facts, pinned=bool(pin or noted.base)), *contradictions(entry.manifest.base, noted.pin)),
        aliases=listed.aliases,
        license=noted.license,
        values=noted.values,
        training=entry.manifest.training or noted.training,
        evaluation=noted.evaluation,
        card=noted.card,
        base=pin or noted.base,
        time=listed.time,
        by=listed.by,
    )


def facts_or_why(store: Store, listed: Listed, entry: Entry) -> Facts:
    """The facts of an entry; of one that nobody can read, all that is known: why."""
    try:
        return facts_of(store, listed.digest, entry)
    except (Corrupt, NotFound, Refused) as error:
        place = str(listed.reference)
        why = Finding(check="unreadable", severity="error", place=place, message=str(error), remedy=error.hint)
        return Facts(format="?", kind=entry.manifest.kind, findings=(why,))


def left_out(intake: "Intake") -> tuple[LeftOut, ...]:
    """What an entry of this folder leaves behind."""
    return tuple(LeftOut(path=path, reason=reason) for path, reason in intake.left_out)


def _open(facts: Facts, *, pinned: bool) -> tuple[Finding, ...]:
    """The findings of the files that are still open: a base without a name is known once it is pinned."""
    return tuple(finding for finding in facts.findings if not (pinned and finding.check == "unnamed-base"))
