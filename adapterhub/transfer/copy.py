"""Pull and push: one entry from one registry to another. The two differ in their ends only."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, Protocol, final, runtime_checkable

from adapterhub.digest import Digest
from adapterhub.entry import Entry, Files
from adapterhub.errors import Conflict, Corrupt, NotFound, Refused
from adapterhub.manifest import File
from adapterhub.reference import Name, Reference
from adapterhub.registry import LabelTaken, Listed, Published, Registry, find
from adapterhub.store.lookup import Lookup
from adapterhub.version import check_label, next_integer

__all__ = ["Aliasing", "Copied", "Progress", "Taken", "check_aliases", "check_words", "copy"]


class Progress(Protocol):
    """Somebody who watches bytes go by."""

    def begin(self, what: str, size: int) -> Callable[[int], None]:
        """A file of so many bytes begins; the result is told how many more have come."""
        ...


@runtime_checkable
class Aliasing(Protocol):
    """A registry whose aliases can be moved; not every kind has them."""

    def alias(self, reference: Reference, alias: str, expect: str | None = None) -> Listed: ...


@runtime_checkable
class Incomplete(Protocol):
    """A registry that gives or takes entries also without all of their notes; `missing` says which are, and why."""

    missing: str


@runtime_checkable
class Labelled(Protocol):
    """A registry that tells which labels it has for the adapter that a line of its own names."""

    def labels(self, listed: Listed) -> tuple[str, ...]: ...


@runtime_checkable
class Shelved(Protocol):
    """A registry whose names are files: it tells which labels it has for any adapter."""

    @property
    def names(self) -> Lookup: ...


@final
@dataclass(frozen=True)
class Copied:
    """What a copy did, how its source found the reference, and what one of the two ends left out."""

    source: Listed
    published: Published
    missing: str = ""


class Taken(Conflict):
    """The version's label means something else in the sink; `digest` is that of the entry which was to be copied."""

    def __init__(self, message: str, digest: Digest) -> None:
        super().__init__(message, hint="copy it by its digest, and it gets the next free version")
        self.digest = digest


def copy(
    reference: Reference,
    source: Registry,
    sink: Registry,
    *,
    next_version: bool = False,
    aliases: tuple[str, ...] = (),
    found: tuple[Listed, Entry] | None = None,
    progress: Progress | None = None,
) -> Copied:
    """Copy one entry: only blobs the sink lacks are read, the name comes last. `found` is what was found already.

    The version keeps its label; `Taken` where that means something else, unless the reference is a digest or
    `next_version` is given: then it gets the sink's next integer, which is no label of the source either, where that
    tells them. Aliases move only when named. `Damaged` where the source's copy is.
    """
    check_words(sink, aliases)
    listed, entry = found or find(source, reference)
    check_aliases(sink, listed.reference, aliases)
    if progress is not None:
        entry = replace(entry, files=Watched(entry.files, progress))
    try:
        taken = partial(_labels, source, listed)
        published = _publish(sink, entry, listed.reference.here(), next_version or reference.is_digest, taken)
    except Corrupt:
        if found is None:
            source.resolve(listed.reference)  # `NotFound` where it was removed and swept while it was copied
        raise
    _point(sink, published.reference, aliases)
    missing = (end.missing for end in (source, sink) if isinstance(end, Incomplete))
    return Copied(listed, published, "; ".join(filter(None, missing)))


def check_words(sink: Registry, aliases: Iterable[str]) -> None:
    """`BadReference` or `Refused` for what can be no alias in any registry, or in this one; nothing is asked."""
    for alias in aliases:
        check_label(alias, "alias")
        if not isinstance(sink, Aliasing):
            raise Refused(
                "this kind of remote has no aliases",
                hint="push without --alias; a server (`adapterhub serve`) is hub+https://…",
            )


def check_aliases(sink: Registry, reference: Reference, aliases: Iterable[str]) -> None:
    """`Conflict` with all aliases that are versions in the sink, or will be when the reference is copied there."""
    name = reference.name
    if bad := [alias for alias in aliases if alias == reference.pin or _is_version(sink, name.at(alias))]:
        words, they = ", ".join(map(repr, bad)), "it cannot be an alias" if len(bad) == 1 else "they cannot be aliases"
        raise Conflict(f"{name}: {words} is a version, so {they}", hint="choose another word")


def _is_version(sink: Registry, reference: Reference) -> bool:
    try:
        return sink.resolve(reference).reference == reference
    except NotFound:
        return False


def _point(sink: Registry, published: Reference, aliases: Iterable[str]) -> None:
    """Move the aliases; what stood in the way since they were checked is told together."""
    refused = []
    for alias in aliases:
        try:
            if isinstance(sink, Aliasing):
                sink.alias(published, alias)
        except (Conflict, NotFound) as error:
            refused.append(error)
    if refused:
        raise Conflict(
            f"{published} is published, but not every alias moved: {'; '.join(map(str, refused))}",
            hint="; ".join(dict.fromkeys(error.hint for error in refused if error.hint)),
        )


def _labels(source: Registry, listed: Listed) -> tuple[str, ...]:
    """The words that are taken where a line was found, as far as its registry tells them."""
    if isinstance(source, Shelved):
        return tuple(source.names.taken(listed.reference.name))
    return source.labels(listed) if isinstance(source, Labelled) else ()


Taking = Callable[[], tuple[str, ...]]


def _publish(sink: Registry, entry: Entry, target: Reference, next_version: bool, there: Taking) -> Published:
    """Under the target's label, or under the next integer where that is taken and another will do."""
    if target.pin is not None:
        try:
            return sink.publish(entry, target)
        except LabelTaken as error:
            if not next_version:
                raise Taken(str(error), entry.digest) from None
    return _number(sink, entry, target.name, there)


def _number(sink: Registry, entry: Entry, name: Name, there: Taking) -> Published:
    """Under the version it has in the sink, else under the next integer: one that means nothing where it comes from."""
    if not isinstance(sink, Shelved) or not (words := there()):
        return sink.publish(entry, Reference(name))
    known: Reference | None = None
    with suppress(NotFound):
        known = sink.resolve(name.at(str(entry.digest))).reference
    while True:
        target, known = known or name.at(next_integer((*sink.names.taken(name), *words))), None
        with suppress(LabelTaken):  # another writer was faster
            return sink.publish(entry, target)


@final
@dataclass(frozen=True)
class Watched:
    """The same files, with somebody watching."""

    inner: Files
    progress: Progress

    def open(self, file: File, start: int = 0) -> BinaryIO:
        stream: BinaryIO = _Counting(self.inner.open(file, start), self.progress, file, start)  # type: ignore[assignment]
        return stream


@final
class _Counting:
    """Just enough of a stream for whoever copies it; one that goes back begins again."""

    def __init__(self, inner: BinaryIO, progress: Progress, file: File, start: int) -> None:
        self.inner, self.progress, self.file = inner, progress, file
        self.advance = progress.begin(file.path, file.size)
        self.advance(start)

    def read(self, size: int = -1) -> bytes:
        data = self.inner.read(size)
        self.advance(len(data))
        return data

    def seek(self, offset: int) -> int:
        self.advance = self.progress.begin(self.file.path, self.file.size)
        self.advance(offset)
        return self.inner.seek(offset)

    def close(self) -> None:
        self.inner.close()

    def __enter__(self) -> "_Counting":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
