"""`pull`: entries of other registries into this store."""

from collections.abc import Iterable, Iterator
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
    pulled = [_pull(desk, one, progress) for one in each]
    told = verdicts(desk, [one.reference for one in pulled])
    return [one.model_copy(update={"fits": told.get(one.reference, {})}) for one in pulled]


def _pull(desk: Desk, one: Wanted, progress: Progress | None) -> Pulled:
    there = found(desk, one)
    reference, both = one.reference.here(), (there.listed, there.entry)
    before = _newest(desk, reference.name)
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
    details = (copied.source.detail, copied.missing, *there.told, *_meant(desk, one, published.reference, before))
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


def _meant(desk: Desk, one: Wanted, came: Reference, before: Reference | None) -> Iterator[str]:
    """Where a word means something else here than where the entry is from."""
    name, pin, label = came.name, one.reference.pin, str(came.pin)
    if before not in (None, came) and _newest(desk, name) == came and is_older(label, str(before.pin)):
        yield f"{name} means {came} here now, and no more {before}: the newest is what came last"
    if one.address is None and pin not in (None, label) and not one.reference.is_digest:
        here = desk.store.names.aliases(name).get(pin)
        if here != label:
            means = f"means {name}@{here}" if here else "is no alias"
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
