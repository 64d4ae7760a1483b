"""`pull`, `push` and the remotes they go to."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from adapterhub.document import Document
from adapterhub.entry import Damaged
from adapterhub.errors import BadReference, Conflict, Corrupt, NotFound, Refused
from adapterhub.readable import count
from adapterhub.reference import Name, check_name
from adapterhub.remotes.table import BUCKETS, SCHEMES, check_url, url_of
from adapterhub.settings import Remote
from adapterhub.store.store import Store
from adapterhub.transfer.copy import Progress, Taken, check_aliases, check_words, copy
from adapterhub.verbs.desk import HUB, Desk
from adapterhub.verbs.wanted import Found, Wanted, found, wanted

if TYPE_CHECKING:
    from adapterhub.audit.report import Verdict

__all__ = [
    "Pulled",
    "Pushed",
    "RemoteShown",
    "pull",
    "push",
    "remote_add",
    "remote_list",
    "remote_remove",
    "remote_test",
]


class Pulled(Document):
    """An entry that is in this store now, and how many bytes of files and manifests came for it.

    `fits` has the verdict of the audit for each base that is known here, by its name.
    """

    reference: str
    digest: str
    bytes_received: int
    detail: str = ""
    fits: dict[str, str] = {}


class Pushed(Document):
    """An entry that is in the remote now, and how many bytes of files and manifests went for it."""

    reference: str
    digest: str
    bytes_sent: int
    detail: str = ""


class RemoteShown(Document):
    """A remote: its name, its URL, and what kind that is."""

    name: str
    url: str
    kind: str = ""


def pull(
    desk: Desk,
    words: Iterable[str],
    remote: str | None = None,
    *,
    bases: Iterable[str] = (),
    require: "Verdict" = "drifted",
    progress: Progress | None = None,
) -> list[Pulled]:
    """Fetch entries into this store, with their notes and base cards; the answer has what the audit says of them.

    With `bases`, what does not fit each of them well enough is refused before anything is fetched.
    """
    each = wanted(words, remote)
    from adapterhub.verbs.gate import gate_entries, verdicts

    if wished := tuple(bases):
        looked = [found(desk, one) for one in each]
        gate_entries(desk, [(one.listed, one.entry) for one in looked], wished, require)
    pulled = [_pull(desk, one, progress) for one in each]
    told = verdicts(desk, [one.reference for one in pulled])
    return [one.model_copy(update={"fits": told.get(one.reference, {})}) for one in pulled]


def _pull(desk: Desk, one: Wanted, progress: Progress | None) -> Pulled:
    there = found(desk, one)
    reference, both = one.reference.here(), (there.listed, there.entry)
    try:
        copied = copy(reference, there.source, desk.store, found=both, progress=progress)
    except Taken as error:
        raise _taken(one, there, error) from None
    except Damaged as error:
        where = one.remote or "the remote"
        raise Damaged(
            f"{error}; the copy in {where} is damaged, or changed on the way",
            hint=f"nothing was named here: pull it from another remote, or tell whoever keeps {where} to run "
            "`adapterhub check --repair` on it",
        ) from None
    except Corrupt:
        if one.address is None:
            there.source.resolve(reference)  # `NotFound` where it was removed and swept while it was copied
        raise
    published = copied.published
    details = (copied.source.detail, copied.missing, *there.told)
    return Pulled(
        reference=str(published.reference),
        digest=str(published.digest),
        bytes_received=published.received,
        detail="; ".join(filter(None, details)),
    )


def _taken(one: Wanted, there: Found, error: Taken) -> Conflict:
    """The label means something else here: another version, or what its tag meant before it was moved."""
    if one.address is not None:
        hint = f"give it another version here: adapterhub pull {one.word} {one.reference.name}@VERSION"
    else:
        here = f" --from {one.remote}" if one.remote and not one.reference.remote else ""
        by_digest = f"adapterhub pull {one.reference.at(str(error.digest))}{here}"
        hint = f"pull it by its digest, and it gets the next free version here: {by_digest}"
    return Conflict("; ".join((*there.told, str(error))), hint=hint)


@runtime_checkable
class Housing(Protocol):
    """A registry in which everybody may see what is public, and what is new is private unless this is said before."""

    def show_new(self, names: Iterable[Name]) -> None: ...


def push(
    desk: Desk,
    words: Iterable[str],
    remote: str | None = None,
    *,
    next_version: bool = False,
    aliases: tuple[str, ...] = (),
    public: bool = False,
    progress: Progress | None = None,
) -> list[Pushed]:
    """Send entries to a remote: only what it lacks, the name last. What is new on a Hub is private unless `public`."""
    references = [desk.reference(word) for word in words]
    listed = [desk.store.resolve(reference) for reference in references]  # every mistake before the first byte
    sink = desk.remote(remote, write=True)
    if public:
        if not isinstance(sink, Housing):
            raise Refused(
                "only what lies on a Hub is public or private",
                hint="push without --public; a Hub is hf or hub+https://…",
            )
        sink.show_new(item.reference.name for item in listed)
    check_words(sink, aliases)
    for item in listed:
        check_aliases(sink, item.reference, aliases)
    done = []
    for item in listed:
        try:
            copied = copy(
                item.reference, desk.store, sink, next_version=next_version, aliases=aliases, progress=progress
            )
        except Taken as error:
            raise Conflict(str(error), hint="push with --next to publish it under the next free version") from None
        except Damaged as error:
            raise Damaged(
                f"{error}; the copy in this store is damaged: {desk.store.root}",
                hint="nothing was named there: `adapterhub check --repair` fetches it again where a remote has it",
            ) from None
        published = copied.published
        done.append(
            Pushed(
                reference=str(published.reference),
                digest=str(published.digest),
                bytes_sent=published.received,
                detail=copied.missing,
            )
        )
    return done


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
