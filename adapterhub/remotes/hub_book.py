"""What a repository of a Hub holds: versions and aliases, as a Hub of ours tells them, or as its tags do."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Corrupt
from adapterhub.protocols.hf_hub.client import Client
from adapterhub.protocols.hf_hub.layout import alias_of, is_version

__all__ = ["Book", "Version", "book_of", "read_book", "versions_told"]


@final
@dataclass(frozen=True)
class Version:
    """One version: a tag, or a commit without one. A Hub that is not ours does not tell the digest."""

    label: str | None
    commit: str
    digest: Digest | None = None
    time: str = ""
    by: str = ""
    aliases: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Book:
    """A repository: the commit of main, its versions (the newest last, where the Hub says so), aliases by commit.

    `notes` are the names of the notes about each entry; None where only the files tell.
    """

    repo: str
    head: str
    versions: tuple[Version, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[Digest, tuple[Digest, ...]] | None = None
    removed: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether the Hub is one of ours, and knows versions by their digests."""
        return self.notes is not None

    def version(self, label: str) -> Version | None:
        """The version with this label."""
        return next((version for version in self.versions if version.label == label), None)

    def at(self, commit: str) -> Version:
        """The newest version at a commit, or the commit itself."""
        mine = [version for version in self.versions if version.commit == commit]
        return mine[-1] if mine else Version(None, commit)

    def labels(self) -> tuple[str, ...]:
        """Every word that is taken."""
        return (*(version.label or "" for version in self.versions), *self.aliases, *self.removed)


def read_book(client: Client, repo: str) -> Book:
    """Ask a Hub what a repository holds: one question to one of ours, two to others."""
    info = client.info(repo)
    if told := _told(info):
        return book_of(repo, info, told)
    with client.asking(client.place(repo)):
        refs = client.api.list_repo_refs(repo)
        tags = {tag.name: tag.target_commit for tag in refs.tags}
    aliases = {alias: commit for tag, commit in tags.items() if (alias := alias_of(tag))}
    versions = (
        Version(tag, commit, aliases=tuple(sorted(alias for alias, there in aliases.items() if there == commit)))
        for tag, commit in tags.items()
        if is_version(tag)
    )
    return Book(repo, str(info.sha or ""), tuple(versions), aliases)


def _told(info: Any) -> dict[str, Any] | None:
    told = getattr(info, "adapterhub", None)
    return told if isinstance(told, dict) else None


def book_of(repo: str, info: Any, told: Mapping[str, Any]) -> Book:
    """The same of what a Hub of ours tells beside the rest; `Corrupt` where that cannot be read."""
    try:
        versions = tuple(_versions(told.get("versions", ())))
        aliases = {alias: version.commit for version in versions for alias in version.aliases}
        notes = {_digest(about): tuple(map(_digest, names)) for about, names in (told.get("notes") or {}).items()}
        return Book(repo, str(info.sha or ""), versions, aliases, notes, tuple(map(str, told.get("removed") or ())))
    except (KeyError, TypeError, AttributeError, BadReference) as error:
        raise Corrupt(f"{repo}: what the server tells of its versions makes no sense: {error}", hint=SERVER) from None


SERVER = "is it of a newer version than this adapterhub? Then update this one"


def _versions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Version]:
    for row in rows:
        if not is_version(row["version"]):
            raise BadReference(f"not a version: {row['version']!r}", hint=SERVER)
        yield Version(
            row["version"],
            str(row["commit"]),
            _digest(row["digest"]),
            str(row.get("time") or ""),
            str(row.get("by") or ""),
            tuple(map(str, row.get("aliases") or ())),
        )


def versions_told(info: Any) -> tuple[Version, ...] | None:
    """The versions of a model in a list, where the Hub is ours."""
    told = _told(info)
    return None if told is None else book_of(info.id, info, told).versions


def _digest(text: str) -> Digest:
    return Digest(text.removeprefix("sha256:"))
