"""A summary: the line of an entry in `list` and `search`, with all that is known about it here."""

import contextlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from adapterhub.document import Document
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.note import gather
from adapterhub.reference import Name
from adapterhub.registry import Listed
from adapterhub.store.derived import facts_of
from adapterhub.system import from_system

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Summary", "summaries", "summarised", "summary_of", "unreadable"]

STREAMS = 2
"""Adapters read at once: an entry is a handful of small files, and a disk that has not seen them lately keeps one
reader waiting most of the time."""

CHUNK = 16
"""Adapters a thread is given at a time; fewer than that are not worth a thread."""

T = TypeVar("T")


class Summary(Document):
    """A version, its digest, when it was published, and its facts, metrics, tags, base and the digests of its parents.

    `noted` is the base a note names where the manifest pins one too. `unreadable` is why nothing more is known of it;
    then `reference` may be an adapter, all of whose versions it hides.
    """

    reference: str
    digest: str = ""
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
    noted: dict[str, Any] = {}
    parents: tuple[str, ...] = ()
    unreadable: str = ""

    @property
    def base_name(self) -> str:
        """What people call the base."""
        return self.facts.base_called(self.base.get("source"))


def summary_of(store: "Store", listed: Listed) -> Summary:
    """Read what a store knows about one version."""
    entry = store.under(listed.reference.name).open(listed.digest)
    return summarised(listed, entry, facts_of(store, listed.digest, entry))


def summarised(listed: Listed, entry: Entry, facts: Facts) -> Summary:
    """What an entry, its notes and its facts say together; the manifest wins over a later pin."""
    noted = gather(entry.notes)
    pin = entry.manifest.base
    return Summary(
        reference=str(listed.reference),
        digest=str(listed.digest),
        kind=entry.manifest.kind,
        time=listed.time,
        by=listed.by,
        bytes=entry.manifest.size,
        aliases=listed.aliases,
        facts=facts,
        metrics=noted.metrics,
        tags=noted.tags,
        license=noted.license,
        base=pin.plain() if pin else noted.base,
        noted=noted.base if pin else {},
        parents=tuple(parent.digest for parent in entry.manifest.parents),
    )


def _summarise(store: "Store", listed: Listed) -> Summary | None:
    """The summary of a version, damaged or not; None where it was removed and swept since it was listed."""
    with contextlib.suppress(AdapterHubError, OSError):
        return summary_of(store, listed)
    try:
        if store.names.version(listed.reference.name, str(listed.reference.pin)) is None:
            return None
        return summary_of(store, listed)
    except (AdapterHubError, OSError) as error:
        return unreadable(str(listed.reference), error, listed)


def summaries(store: "Store", names: Iterable[Name]) -> Iterator[Summary]:
    """Every version of some adapters, each adapter's newest last; what cannot be read is there and says why."""
    chunks = _chunks(names, CHUNK)
    first = next(chunks, [])
    yield from _read(store, first)
    if len(first) == CHUNK:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(STREAMS) as pool:
            for several in _chunks(chunks, 8 * STREAMS):
                for found in pool.map(lambda chunk: list(_read(store, chunk)), several):
                    yield from found


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk


def _read(store: "Store", names: Iterable[Name]) -> Iterator[Summary]:
    for name in names:
        try:
            shelf, aliases = store.names.shelf(name), store.names.aliases(name)
        except (AdapterHubError, OSError) as error:
            yield unreadable(str(name), error)
            continue
        for label, reason in shelf.unreadable.items():
            yield unreadable(str(name.at(label)), reason)
        for version in shelf.versions:
            if summary := _summarise(store, store.names.line(name, version, aliases)):
                yield summary


def unreadable(reference: str, error: AdapterHubError | OSError, listed: Listed | None = None) -> Summary:
    """The line of an entry, or of an adapter, that cannot be read: everything else can still be listed."""
    error = from_system(error) if isinstance(error, OSError) else error
    reason = str(error).encode(errors="backslashreplace").decode()  # a path may hold bytes that are no text
    finding = Finding(
        check="unreadable",
        severity="error",
        place=reference,
        message=reason,
        remedy=error.hint or "adapterhub check",
    )
    return Summary(
        reference=reference,
        digest=str(listed.digest) if listed else "",
        time=listed.time if listed else "",
        by=listed.by if listed else "",
        aliases=listed.aliases if listed else (),
        facts=Facts(format="?", findings=(finding,)),
        unreadable=reason,
    )
