"""Where a base lies: a folder or file here, an entry of kind model, a repository on a Hub."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from adapterhub.base.card import Card, card_of, locate, weight_names, with_files
from adapterhub.base.config import CONFIG
from adapterhub.base.hashing import Watch
from adapterhub.base.kept import Identity, Kept, identity
from adapterhub.base.places import Places
from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, BadReference, DoesNotFit
from adapterhub.formats.folder import is_tokenizer
from adapterhub.formats.members import EntryMembers, FolderMembers, Members
from adapterhub.protocols.hf_hub.address import Address, parse_address
from adapterhub.verbs.desk import Desk

__all__ = [
    "Place",
    "address_of",
    "at_downloaded",
    "at_entry",
    "at_folder",
    "at_hub",
    "fetched",
    "is_offline",
    "place_of_source",
]

WEIGHTS = (".safetensors", ".gguf")


@final
@dataclass(frozen=True)
class Place:
    """The files of a base, and what tells them from what they may be later.

    `known` are digests of files that cost nothing to know; the weights of what is `far` are never read.
    """

    members: Members
    name: str
    source: str
    look: Callable[[], Identity]
    known: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False
    far: bool = False

    def card(self, desk: Desk, *, hashes: bool, watch: Watch | None = None) -> Card:
        """The card, with hashes if they are asked for and can be had; what was hashed once is remembered."""
        kept = _kept(desk)
        if self.far:
            found = kept.card(self._asked("headers"), self.look, lambda: self._read(False))
        elif hashes:
            found = kept.card(self._asked("bytes"), self.look, lambda: self._read(True, watch))
        else:
            found = kept.find(self._asked("bytes"), self.look()) or self._read(False)
        return found.model_copy(update={"name": self.name, "source": self.source})

    def with_files(self, desk: Desk, card: Card) -> Card:
        """The card with the digests of the files, read for it where they are not known."""
        if card.files or self.far:
            return card
        read = lambda: with_files(self._read(False), self.members)  # noqa: E731
        return card.model_copy(update={"files": _kept(desk).card(self._asked("files"), self.look, read).files})

    def tensors(self) -> Places:
        """Where every tensor lies."""
        return locate(self.members)[0]

    def _read(self, hashes: bool, watch: Watch | None = None) -> Card:
        return card_of(self.members, hashes=hashes, files=self.known, bare=self.bare, watch=watch)

    def _asked(self, what: str) -> str:
        return f"{what} {self.source}"


def _kept(desk: Desk) -> Kept:
    return Kept(desk.store.layout.cards if desk.store.local else None)


def at_folder(path: Path) -> Place:
    """A checkpoint in a folder, or one file of weights with the config beside it, if there is one."""
    path = path.absolute()
    if path.is_dir():
        paths = {inner.name: inner for inner in path.iterdir() if inner.is_file()}
    elif path.suffix in WEIGHTS:
        _refuse_part(path)
        paths = {one.name: one for one in (path, path.with_name(CONFIG)) if one.is_file()}
    else:
        raise BadReference(
            f"{path} is a file; a base is a folder or a file of weights",
            hint="give the folder that holds config.json, or a .safetensors or .gguf file",
        )
    members = FolderMembers(paths)
    look = lambda: identity([(name, paths[name]) for name in _named(members)])  # noqa: E731
    return Place(members, path.resolve().name, str(path), look, bare=path.is_file())


def _refuse_part(path: Path) -> None:
    index = [other.name for other in path.parent.glob("*.safetensors.index.json")]
    part = path.suffix == ".safetensors" and "-of-" in path.stem
    if part and index:
        raise BadReference(f"{path} is a part of a model, as {index[0]} says", hint=f"give the folder: {path.parent}")


def _named(members: FolderMembers) -> tuple[str, ...]:
    """The files a card is made of."""
    return tuple(name for name in (*weight_names(members), CONFIG) if name in members.names())


def at_entry(entry: Entry, name: str) -> Place:
    """The files of an entry of kind model."""
    if entry.manifest.kind != "model":
        raise DoesNotFit(
            f"{name} is of kind {entry.manifest.kind}, and a base is of kind model",
            hint="`adapterhub search --where kind=model` lists the models",
        )
    digest = str(entry.manifest.digest)
    return Place(EntryMembers(entry), name, digest, lambda: ((digest,),))


def is_offline(desk: Desk) -> bool:
    """Whether the network may not be asked: because this call says so, or the settings of the Hub's client do."""
    if desk.offline:
        return True
    from huggingface_hub import is_offline_mode

    return is_offline_mode()


def at_hub(address: Address) -> Place:
    """A repository on a Hub, at the commit its revision stands for now."""
    from adapterhub.protocols.hf_hub.repository import open_repository

    found = open_repository(address)
    # Another server may call another model so.
    files = tuple((f"{name} {file.size} {file.sha256}",) for name, file in sorted(found.files.items()))
    return Place(
        found, address.repo, str(found.address), lambda: files, found.digests, bare=bool(address.path), far=True
    )


def at_downloaded(address: Address) -> Place:
    """What the Hub's client has downloaded of a repository."""
    from adapterhub.protocols.hf_hub.repository import downloaded

    folder, commit = downloaded(address)
    here = at_folder(folder)
    return Place(here.members, address.repo, str(address.at(commit)), here.look, bare=here.bare)


def fetched(desk: Desk, address: Address) -> Path:
    """The folder of a model on a Hub, with its weights, configs and tokenizer, in the cache of the Hub's client."""
    from adapterhub.protocols.hf_hub.repository import download, downloaded, open_repository

    if is_offline(desk):
        return downloaded(address)[0]
    found = open_repository(address)
    beside = (name for name in found.names() if is_tokenizer(name) or name.endswith(CONFIG))
    return download(found, sorted({*weight_names(found), *beside}))


def place_of_source(desk: Desk, source: str | None) -> Place | None:
    """Where a base that was looked at before lies on this machine; None where it is no more, or only on a Hub."""
    with suppress(AdapterHubError, OSError):
        if source and source.startswith("sha256:"):
            return at_entry(desk.store.open(Digest.parse(source)), source)
        if source and Path(source).is_absolute() and Path(source).exists():
            return at_folder(Path(source))
    return None


def address_of(source: str | None) -> Address | None:
    """The place on a Hub a card was read from, if it was."""
    with suppress(BadReference):
        return parse_address(source or "")
    return None
