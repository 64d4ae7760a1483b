"""`push`: entries of this store into another registry."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol, runtime_checkable

from adapterhub.document import Document
from adapterhub.entry import Damaged
from adapterhub.errors import BadReference, Conflict, Refused
from adapterhub.reference import Name
from adapterhub.registry import Listed, Registry
from adapterhub.transfer.copy import Copied, Progress, Taken, check_aliases, check_words, copy
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.several import several

__all__ = ["Pushed", "push"]


class Pushed(Document):
    """An entry that is in the remote now, and how many bytes of files and manifests went for it."""

    reference: str
    digest: str
    bytes_sent: int
    detail: str = ""


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
    """Send entries to a remote: only what it lacks, the name last. What is new on a Hub is private unless `public`.

    A word with a star is every entry it matches: `several`.
    """
    references = [
        desk.reference(word, "write {here} --to {remote}")
        for word in several(desk, words, "--to", lambda remote: _lines(desk, remote))
    ]
    listed = [desk.store.resolve(reference) for reference in references]  # every mistake before the first byte
    sink = desk.remote(remote, write=True)
    if public:
        _show_new(sink, listed)
    check_words(sink, aliases)
    for item in listed:
        check_aliases(sink, item.reference, aliases)
    send = partial(copy, source=desk.store, sink=sink, next_version=next_version, aliases=aliases, progress=progress)
    return [_push(desk, partial(send, item.reference)) for item in listed]


def _lines(desk: Desk, remote: str | None) -> Iterator[Listed]:
    if remote:
        raise BadReference(
            f"what lies in {remote} is not in the store, and what is in the store is pushed", hint=f"--to {remote}"
        )
    return desk.store.list()


def _show_new(sink: Registry, listed: Iterable[Listed]) -> None:
    if not isinstance(sink, Housing):
        raise Refused(
            "only what lies on a Hub is public or private", hint="push without --public; a Hub is hf or hub+https://…"
        )
    sink.show_new(item.reference.name for item in listed)


def _push(desk: Desk, send: Callable[[], Copied]) -> Pushed:
    try:
        copied = send()
    except Taken as error:
        raise Conflict(str(error), hint="push with --next to publish it under the next free version") from None
    except Damaged as error:
        raise Damaged(
            f"{error}; the copy in this store is damaged: {desk.store.root}",
            hint="nothing was named there: `adapterhub check --repair` fetches it again where a remote has it",
        ) from None
    published = copied.published
    return Pushed(
        reference=str(published.reference),
        digest=str(published.digest),
        bytes_sent=published.received,
        detail=copied.missing,
    )
