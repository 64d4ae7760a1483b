"""What `add`, `show` and `merge` answer with: all that is known about an entry, or a folder that could be one."""

from typing import TYPE_CHECKING, Any

from adapterhub.document import Document
from adapterhub.entry import Entry
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.manifest import Manifest
from adapterhub.note import gather
from adapterhub.registry import Listed

if TYPE_CHECKING:
    from adapterhub.formats.intake import Intake

__all__ = ["LeftOut", "Shown", "left_out", "shown"]


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
    card: str = ""
    base: dict[str, Any] = {}
    time: str = ""
    by: str = ""
    known_as: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    relative_error: float | None = None


def shown(listed: Listed, entry: Entry, facts: Facts, extra: tuple[Finding, ...] = ()) -> Shown:
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
        findings=(*facts.findings, *_contradictions(pin, noted.base), *extra),
        aliases=listed.aliases,
        license=noted.license,
        values=noted.values,
        card=noted.card,
        base=pin or noted.base,
        time=listed.time,
        by=listed.by,
    )


def left_out(intake: "Intake") -> tuple[LeftOut, ...]:
    """What an entry of this folder leaves behind."""
    return tuple(LeftOut(path=path, reason=reason) for path, reason in intake.left_out)


def _contradictions(pin: dict[str, Any], later: dict[str, Any]) -> tuple[Finding, ...]:
    differs = [
        key for key in ("weights_digest", "layout_digest") if pin.get(key) and later.get(key) not in (None, pin[key])
    ]
    if not differs:
        return ()
    message = (
        f"the manifest pins another base than a later note: {differs[0]} {pin[differs[0]]}, not {later[differs[0]]}"
    )
    finding = Finding(
        check="pin-contradicted",
        severity="warning",
        place="base",
        message=message,
        remedy="the manifest counts; look at `adapterhub log` for who noted the other",
    )
    return (finding,)
