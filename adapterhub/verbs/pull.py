"""`pull`: entries of other registries into this store."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from adapterhub.document import Document
from adapterhub.entry import Damaged
from adapterhub.errors import Conflict, Corrupt, NotFound
from adapterhub.reference import Name, Reference
from adapterhub.transfer.copy import Progress, Taken, copy
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.several import several
from adapterhub.verbs.wanted import Found, Wanted, found, wanted
from adapterhub.version import is_older

if TYPE_CHECKING:
    from adapterhub.audit.report import Verdict

__all__ = ["Pulled", "pull"]


class Pulled(Document):
    """An entry that is in this store now, and how many bytes of files and manifests came for it.

    `fits` has the verdict of the audit for each base that is known here, by its name.
    """

    reference: str
    digest: str
    bytes_received: int
    detail: str = ""
    fits: dict[str, str] = {}


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

    A word with a star is every entry there that it matches: `several`.
    With `bases`, what does not fit each of them well enough is refused before anything is fetched.
    """
    each = wanted(several(desk, words, "--from", lambda named: desk.remote(named or remote).list()), remote)
    from adapterhub.verbs.gate import gate_entries, verdicts

    if wished := tuple(bases):
        looked = [found(desk, one) for one in each]
        gate_entries(desk, [(one.listed, one.entry) for one in looked], wished, require)
    before = {one.reference.name: _newest(desk, one.reference.name) for one in each}
    pulled = [_pull(desk, one, progress) for one in each]
    told, meant = verdicts(desk, [one.reference for one in pulled]), dict(_meant(desk, before))
    return [
        one.model_copy(
            update={
                "fits": told.get(one.reference, {}),
                "detail": "; ".join(filter(None, (one.detail, meant.get(one.reference)))),
            }
        )
        for one in pulled
    ]


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
    details = (copied.source.detail, copied.missing, *there.told, *_alias(desk, there, published.reference))
    return Pulled(
        reference=str(published.reference),
        digest=str(published.digest),
        bytes_received=published.received,
        detail="; ".join(filter(None, details)),
    )


def _newest(desk: Desk, name: Name) -> Reference | None:
    """What a name means here without a version."""
    with suppress(NotFound, Corrupt):
        return desk.store.resolve(Reference(name)).reference
    return None


def _meant(desk: Desk, before: Mapping[Name, Reference | None]) -> Iterator[tuple[str, str]]:
    """Where a name without a version means another one now, and by its numbers an older one: that, and what to say."""
    for name, was in before.items():
        now = _newest(desk, name)
        if was and now and was != now and is_older(str(now.pin), str(was.pin)):
            yield str(now), f"{name} means {now} here now, and no more {was}: the newest is what came last"


def _alias(desk: Desk, there: Found, came: Reference) -> Iterator[str]:
    """Where an alias that was asked for means something else here."""
    pin, label = there.wanted.reference.pin, str(came.pin)
    if there.wanted.address is None and pin in there.listed.aliases:
        here = desk.store.names.aliases(came.name).get(pin)
        if here != label:
            means = f"means {came.name}@{here}" if here else "is no alias"
            yield f"{pin} {means} here; `adapterhub alias {came} {pin}` makes it mean the same"


def _taken(one: Wanted, there: Found, error: Taken) -> Conflict:
    """The label means something else here: another version, or what its tag meant before it was moved."""
    if one.address is not None:
        hint = f"give it another version here: adapterhub pull {one.word} {one.reference.name}@VERSION"
    else:
        here = f" --from {one.remote}" if one.remote and not one.reference.remote else ""
        by_digest = f"adapterhub pull {one.reference.at(str(error.digest))}{here}"
        hint = f"pull it by its digest, and it gets the next free version here: {by_digest}"
    return Conflict("; ".join((*there.told, str(error))), hint=hint)
