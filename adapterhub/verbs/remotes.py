"""`remote add, list, remove, test`: the registries that have a name here."""

from typing import Protocol, runtime_checkable

from adapterhub.document import Document
from adapterhub.errors import BadReference, Conflict, NotFound
from adapterhub.readable import count
from adapterhub.reference import check_name
from adapterhub.remotes.table import BUCKETS, SCHEMES, check_url, url_of
from adapterhub.settings import Remote
from adapterhub.store.store import Store
from adapterhub.verbs.desk import HUB, Desk

__all__ = ["RemoteShown", "remote_add", "remote_list", "remote_remove", "remote_test"]


class RemoteShown(Document):
    """A remote: its name, its URL, and what kind that is."""

    name: str
    url: str
    kind: str = ""


def remote_add(desk: Desk, name: str, url: str) -> RemoteShown:
    """Remember a remote. Its name must not be one that means something already."""
    if "://" in name:
        raise BadReference(
            f"{name} is the address of a remote, where its name is wanted",
            hint="the name comes first: adapterhub remote add NAME URL",
        )
    check_name(name, "remote")
    url = url_of(url)
    if name in (HUB, "sha256"):
        raise BadReference(f"a remote cannot be called {name}: the word is built in", hint="choose another word")
    known = desk.store.settings.remotes.get(name)
    if known and known.url != url:
        raise Conflict(f"the remote {name} is there already: {known.url}", hint=f"adapterhub remote remove {name}")
    check_url(url)
    able = _able(desk, url)
    desk.change_settings(lambda s: s.model_copy(update={"remotes": {**s.remotes, name: Remote(url=url)}}))
    shown = _remote_shown(name, url)
    return shown.model_copy(update={"kind": f"{shown.kind}, {able}"}) if able else shown


def _able(desk: Desk, url: str) -> str:
    """What a bucket lets us do. Only trying tells: many servers take conditions without a word and overwrite anyhow."""
    if desk.offline or url.partition(":")[0] not in BUCKETS:
        return ""
    registry = desk.remote(url)
    return registry.able() if isinstance(registry, Telling) else ""


def _remote_shown(name: str, url: str) -> RemoteShown:
    return RemoteShown(name=name, url=url, kind=SCHEMES.get(url.partition(":")[0], "").partition(":")[0])


def remote_list(desk: Desk) -> list[RemoteShown]:
    """The remotes this store knows."""
    return [_remote_shown(name, remote.url) for name, remote in sorted(desk.store.settings.remotes.items())]


def remote_remove(desk: Desk, name: str) -> RemoteShown:
    """Forget a remote; nothing there is touched."""
    remotes = desk.store.settings.remotes
    if name not in remotes:
        raise NotFound(f"no remote is called {name!r}", hint=f"known: {', '.join(sorted(remotes)) or 'none'}")
    desk.change_settings(lambda s: s.model_copy(update={"remotes": {n: r for n, r in s.remotes.items() if n != name}}))
    return _remote_shown(name, remotes[name].url)


@runtime_checkable
class Telling(Protocol):
    """A registry that tells who asks, and what he may do."""

    def able(self) -> str: ...


def remote_test(desk: Desk, name: str) -> RemoteShown:
    """Ask a remote whether it is there and readable."""
    registry = desk.remote(name)
    versions = sum(1 for _ in registry.list())
    kind = "writable" if isinstance(registry, Store) else "read only"
    kind = registry.able() if isinstance(registry, Telling) else kind
    shown = next((r for r in remote_list(desk) if r.name == name), _remote_shown(name, name))
    return shown.model_copy(update={"kind": f"{kind}, {count(versions, 'version')}"})
