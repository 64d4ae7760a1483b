"""Pull and push: one entry from one registry to another. The two differ in their ends only."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol, final, runtime_checkable

from adapterhub.entry import Files
from adapterhub.errors import Corrupt, Refused
from adapterhub.manifest import File
from adapterhub.reference import Reference
from adapterhub.registry import Listed, Published, Registry, find
from adapterhub.version import check_label

__all__ = ["Aliasing", "Copied", "Progress", "copy"]


class Progress(Protocol):
    """Somebody who watches bytes go by."""

    def begin(self, what: str, size: int) -> Callable[[int], None]:
        """A file of so many bytes begins; the result is told how many more have come."""
        ...


@runtime_checkable
class Aliasing(Protocol):
    """A registry whose aliases can be moved; not every kind has them."""

    def alias(self, reference: Reference, alias: str, expect: str | None = None) -> Listed: ...


@final
@dataclass(frozen=True)
class Copied:
    """What a copy did, and how its source found the reference."""

    source: Listed
    published: Published


def copy(
    reference: Reference,
    source: Registry,
    sink: Registry,
    *,
    next_version: bool = False,
    aliases: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Copied:
    """Copy one entry: only blobs the sink lacks are read, the name comes last.

    The version keeps its label, or with `next_version` gets the sink's next integer. Aliases move only when named.
    """
    if aliases and not isinstance(sink, Aliasing):
        raise Refused("this kind of remote has no aliases", hint="push without --alias")
    for alias in aliases:
        check_label(alias, "alias")
    found, entry = find(source, reference)
    if progress is not None:
        entry = replace(entry, files=Watched(entry.files, progress))
    target = found.reference.here()
    try:
        published = sink.publish(entry, replace(target, pin=None) if next_version else target)
    except Corrupt:
        source.resolve(found.reference)  # `NotFound` where it was removed and swept while it was copied
        raise
    for alias in aliases:
        if isinstance(sink, Aliasing):
            sink.alias(published.reference, alias)
    return Copied(found, published)


@final
@dataclass(frozen=True)
class Watched:
    """The same files, with somebody watching."""

    inner: Files
    progress: Progress

    def open(self, file: File, start: int = 0) -> BinaryIO:
        advance = self.progress.begin(file.path, file.size)
        advance(start)
        stream: BinaryIO = _Counting(self.inner.open(file, start), advance)  # type: ignore[assignment]
        return stream


@final
class _Counting:
    """Just enough of a stream for whoever copies it."""

    def __init__(self, inner: BinaryIO, advance: Callable[[int], None]) -> None:
        self.inner, self.advance = inner, advance

    def read(self, size: int = -1) -> bytes:
        data = self.inner.read(size)
        self.advance(len(data))
        return data

    def __enter__(self) -> "_Counting":
        return self

    def __exit__(self, *_: object) -> None:
        self.inner.close()
