"""What a commit must do to a repository's tree, so that it is the entry: only what the tree lacks goes up."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, cast, final

from adapterhub.digest import Digest
from adapterhub.entry import Damaged, Entry
from adapterhub.errors import AdapterHubError
from adapterhub.manifest import File, Manifest
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.layout import CARD, CONFIG, MANIFEST, base_path, note_path
from adapterhub.protocols.hf_hub.repository import Tree
from adapterhub.remotes.hub_former import outdated
from adapterhub.remotes.hub_readme import readme
from adapterhub.remotes.hub_sent import Outgoing

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

__all__ = ["Plan", "path_of"]


def path_of(note: Note) -> str:
    """Where a note lies in a repository."""
    return note_path(Digest.parse(note.about), Digest.of(note.to_bytes()))


@final
@dataclass
class Plan:
    """What a commit does to a tree: to make it the entry, or only to add what is newly noted of a known version."""

    entry: Entry
    tree: Tree
    known: bool
    outgoing: list[Outgoing] = field(default_factory=list)
    manifest: int = 0

    @property
    def sent(self) -> int:
        """Bytes of files and manifest that went."""
        return self.manifest + sum(stream.size for stream in self.outgoing if stream.went)

    def operations(
        self, repo: str, notes: list[Note], streams: ExitStack
    ) -> "list[CommitOperationAdd | CommitOperationDelete]":
        """What huggingface_hub is asked to do; nothing where the tree is right as it is."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        before = self._before()
        whole = self.entry.manifest != before and not self.known
        done: list[Any] = []
        if whole:
            for file in self._lacking(before):
                stream = streams.enter_context(Outgoing(self.entry, file))
                done.append(self._checked(CommitOperationAdd(file.path, cast(BinaryIO, stream)), stream))
                self.outgoing.append(stream)
            done += [CommitOperationDelete(path) for path in sorted(self._gone(before))]
            done.append(CommitOperationAdd(MANIFEST, self.entry.manifest.to_bytes()))
            self.manifest = len(self.entry.manifest.to_bytes())
        small = {path_of(note): note.to_bytes() for note in notes}
        small |= {base_path(Digest.of(card)): card for card in self.entry.cards}
        if (whole or notes) and (text := self._readme(repo, whole or self.entry.manifest == before)):
            small[CARD] = text.encode()
        done += [CommitOperationAdd(path, data) for path, data in small.items() if path == CARD or self._lacks(path)]
        return done

    def _lacks(self, path: str) -> bool:
        return path not in self.tree.files

    def _before(self) -> Manifest | None:
        """The manifest in the tree, if it tells of the files there."""
        if MANIFEST not in self.tree.files:
            return None
        try:
            manifest = Manifest.read(self.tree.reader.read(MANIFEST), MANIFEST)
        except AdapterHubError:
            return None
        there = self.tree.files
        right = (file.path in there and there[file.path].size == file.size for file in manifest.files)
        return manifest if all(right) else None

    def _lacking(self, before: Manifest | None) -> list[File]:
        """The files that are not there with these bytes, as far as anybody tells without reading them."""

        def is_there(file: File) -> bool:
            there = self.tree.files.get(file.path)
            if there is None or there.size != file.size:
                return False
            return there.sha256 == file.sha256 or (
                not there.sha256 and before is not None and before.file(file.path) == file
            )

        return [file for file in self.entry.manifest.files if not is_there(file)]

    def _gone(self, before: Manifest | None) -> set[str]:
        """The files of the entry that was there before, and belong to this one no more."""
        place = self.tree.members("", self.tree.files)
        return outdated(place, before, self.entry.manifest, self.tree.place)

    def _readme(self, repo: str, mine: bool) -> str:
        """The card, where it is this entry's and another than there is."""
        if not mine or self.entry.manifest.file(CARD) is not None:
            return ""
        former = self.tree.reader.read(CARD).decode(errors="replace") if CARD in self.tree.files else ""
        config = next((stream.data for stream in self.outgoing if stream.file.path == CONFIG), None)
        text = readme(repo, self.entry, config, former)
        return text if text != former else ""

    def _checked(self, operation: "CommitOperationAdd", stream: Outgoing) -> "CommitOperationAdd":
        """The same, if its bytes are what the manifest says: huggingface_hub has hashed them."""
        told, file, stream.hashed = operation.upload_info, stream.file, True
        if told.sha256.hex() != file.sha256 or told.size != file.size:
            raise Damaged(
                f"{file.path}: what arrived is not {file.blob} ({file.size} bytes)",
                hint="the copy it was read from is damaged: run `adapterhub check` where that lies",
            )
        return operation
