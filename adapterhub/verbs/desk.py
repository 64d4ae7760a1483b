"""The desk everything is done at: the store on this machine, its remotes, and what words mean here."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.durable import make_folder
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, BadReference, NotFound, WrongUsage
from adapterhub.manifest import Manifest
from adapterhub.reference import Name, Reference, home_path, is_folder, parse
from adapterhub.registry import Listed, Registry, find
from adapterhub.remotes.table import open_remote, url_of
from adapterhub.settings import Settings, save
from adapterhub.store.locks import alone
from adapterhub.store.store import Store

__all__ = ["HUB", "Contents", "Desk", "PathLike", "as_word", "as_words", "contents"]

Contents = tuple[tuple[str, str], ...]
"""The files of an entry, as paths and digests."""

PathLike = str | Path

PULL = "adapterhub pull {word}, then name {here}; in full: [remote:]namespace/name[@pin]"

DEFAULT = "origin"
HUB = "hf"
"""The word for the Hub that huggingface_hub asks: huggingface.co, or HF_ENDPOINT."""


@final
@dataclass(frozen=True)
class Desk:
    """A store and the rules of this call. `sees` are the namespaces whose private adapters whoever sits here may see;
    None means all. Who does not see all is a guest: what he says counts under his own names alone."""

    store: Store
    offline: bool = False
    sees: frozenset[str] | None = None

    def under(self, name: Name) -> Store:
        """The store as it is under a name, for what is published or said there by whoever sits here."""
        return self.store.under(name, guest=self.sees is not None)

    def reference(self, word: str, elsewhere: str = PULL) -> Reference:
        """A word that must be a name in this store, not a folder and not in a remote; for the latter `elsewhere` says
        what to do, of `{word}`, `{remote}`, and `{here}`, its name in this store."""
        if is_folder(word):
            raise WrongUsage(
                f"{word} is a folder, where a name is wanted",
                hint=f"write namespace/name, for example ada/poet; `adapterhub add {word} ada/poet` gives it one",
            )
        reference = parse(word)
        if remote := reference.remote:
            raise BadReference(
                f"{word} lies in the remote {remote}; this command works on the store alone",
                hint=elsewhere.format(word=word, remote=remote, here=reference.here()),
            )
        return reference

    def target(self, word: str) -> Reference:
        """A word that must be a name in this store something can be published under."""
        reference = self.reference(word, "write {here}; `adapterhub push {here} --to {remote}` sends it there")
        if reference.is_digest:
            raise BadReference(
                f"{word}: a version is a word, not a digest", hint="write namespace/name or namespace/name@1"
            )
        return reference

    def find(self, word: str) -> tuple[Listed, Entry]:
        """The entry a reference means, in this store or in the remote it names."""
        reference = parse(word)
        registry: Registry = self.remote(reference.remote) if reference.remote else self.store
        return find(registry, reference.here())

    def remote(self, name: str | None, *, write: bool = False) -> Registry:
        """A remote by its name, its URL or its folder; without one, the only remote or the one called origin."""
        url = url_of(name) if name and ("://" in name or is_folder(name)) else self._known(name)
        return open_remote(url, user=self.store.user, write=write, offline=self.offline)

    def _known(self, name: str | None) -> str:
        remotes = self.store.settings.remotes
        if name is None:
            if not remotes:
                raise NotFound("no remote is known here", hint="adapterhub remote add origin file:///srv/adapters")
            name = next(iter(remotes)) if len(remotes) == 1 else DEFAULT
            if name not in remotes:
                raise WrongUsage(
                    f"there are {len(remotes)} remotes: {', '.join(sorted(remotes))}; which one?",
                    hint=f"name it with --to or --from, or call one of them {DEFAULT}",
                )
        if name == HUB:
            from adapterhub.protocols.hf_hub.client import home

            return f"hub+{home()}"
        if name not in remotes:
            known = ", ".join(sorted(remotes)) or "none"
            raise NotFound(f"no remote is called {name!r}; known: {known}", hint=f"adapterhub remote add {name} URL")
        return remotes[name].url

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        """Change settings.json, one process at a time."""
        self.store.create()
        make_folder(self.store.layout.incoming)
        with alone(self.store.layout.incoming, "settings.lock"):
            settings = change(self.store.settings)
            save(self.store.root, settings)
        return settings

    def names_of(self, manifests: Iterable[Manifest]) -> dict[Contents, tuple[str, ...]]:
        """What this store calls these files, whichever base they were pinned to; only what it has is in the answer."""
        wanted = {contents(m) for m in manifests if all(self.store.blobs.has(file.blob) for file in m.files)}
        found: dict[Contents, tuple[str, ...]] = {}
        for listed in self.store.list() if wanted else ():  # spares reading every manifest
            with suppress(AdapterHubError):
                there = contents(self.store.manifest(listed.digest))
                if there in wanted:
                    found[there] = (*found.get(there, ()), str(listed.reference))
        return found

    def folder(self, word: str) -> Path:
        """A word that must be a folder or file which is there."""
        path = home_path(word)
        if not path.exists():
            raise NotFound(
                f"{word}: no such file or folder", hint="is the path right? A folder begins with / ./ ../ or ~"
            )
        return path


def as_word(word: PathLike) -> str:
    """A path as a word of the command line; a text is one already."""
    if isinstance(word, str):
        return word
    text = str(word)
    return text if is_folder(text) else f"./{text}"


def as_words(words: Iterable[PathLike]) -> tuple[str, ...]:
    """One word, or several."""
    return (as_word(words),) if isinstance(words, (str, Path)) else tuple(map(as_word, words))


def contents(manifest: Manifest) -> Contents:
    """What two entries share if they differ in their base, parents or training only."""
    return tuple((file.path, file.sha256) for file in manifest.files)
