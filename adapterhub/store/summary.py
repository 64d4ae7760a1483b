"""A summary: the line of an entry in `list` and `search`, with all that is known about it here."""

import contextlib
from typing import TYPE_CHECKING, Any

from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.errors import AdapterHubError
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.note import gather
from adapterhub.registry import Listed
from adapterhub.store.derived import facts_of

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Summary", "summarise", "summary_of", "unreadable"]


class Summary(Document):
    """A version, its digest, when it was published, and its facts, metrics, tags and base."""

    reference: str
    digest: str
    kind: str = "adapter"
    time: str = ""
    by: str = ""
    bytes: int = 0
    aliases: tuple[str, ...] = ()
    facts: Facts
    metrics: dict[str, float] = {}
    tags: tuple[str, ...] = ()
    license: str = ""
    base: dict[str, Any] = {}

    @property
    def base_name(self) -> str:
        """What people call the base."""
        return self.facts.base_called(self.base.get("source"))


def summary_of(store: "Store", listed: Listed) -> Summary:
    """Read what a store knows about one version; the manifest wins over a later pin."""
    entry = store.open(listed.digest)
    noted = gather(entry.notes)
    return Summary(
        reference=str(listed.reference),
        digest=str(listed.digest),
        kind=entry.manifest.kind,
        time=listed.time,
        by=listed.by,
        bytes=entry.manifest.size,
        aliases=listed.aliases,
        facts=facts_of(store, Digest.parse(str(listed.digest)), entry),
        metrics=noted.metrics,
        tags=noted.tags,
        license=noted.license,
        base=entry.manifest.base.plain() if entry.manifest.base else noted.base,
    )


def summarise(store: "Store", listed: Listed) -> Summary | None:
    """The summary of a version, damaged or not; None where it was removed and swept since it was listed."""
    with contextlib.suppress(AdapterHubError):
        return summary_of(store, listed)
    if store.names.version(listed.reference.name, str(listed.reference.pin)) is None:
        return None
    try:
        return summary_of(store, listed)
    except AdapterHubError as error:
        return unreadable(str(listed.reference), str(listed.digest), error)


def unreadable(reference: str, digest: str, error: AdapterHubError) -> Summary:
    """The line of an entry, or of an adapter, that cannot be read: everything else can still be listed."""
    finding = Finding(
        check="unreadable",
        severity="error",
        place=reference,
        message=str(error),
        remedy=error.hint or "adapterhub check",
    )
    facts = Facts(format="?", findings=(finding,))
    return Summary(reference=reference, digest=digest, facts=facts)
