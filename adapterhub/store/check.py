"""`check`: is the store intact, what is wrong, and what can be mended."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from adapterhub.document import Document
from adapterhub.store import damage, repo_damage
from adapterhub.store.damage import CardReader, Damage, Reading
from adapterhub.store.index.file import forget
from adapterhub.store.places import strays
from adapterhub.store.repair import FETCHED, Donor, Outcome, forget_facts
from adapterhub.store.repair import repair as repair_one
from adapterhub.store.store import Store

__all__ = ["Checked", "Donor", "check"]


class Checked(Document):
    """The outcome: `ok` when nothing is damaged any more; what is wrong; what was mended; bytes nobody names; and what
    helps against what is still wrong."""

    ok: bool
    damage: tuple[Damage, ...] = ()
    repaired: tuple[Damage, ...] = ()
    blobs: int = 0
    unreferenced: int = 0
    unreferenced_bytes: int = 0
    hint: str = ""


def check(
    store: Store,
    *,
    repair: bool = False,
    donors: Iterable[Donor] = (),
    progress: Callable[[int], None] = lambda _: None,
    read_card: CardReader = lambda _, __: None,
) -> Checked:
    """Read every file of a store and compare it with its digest; `progress` is told the bytes read.

    With `repair`, damaged files are set aside under incoming/quarantine, versions are written again as their events
    tell them, histories go on around what is lost of them, and blobs are fetched again from the first donor that has
    the right bytes. Nothing that might be the last copy is deleted.
    """
    given, done = tuple(donors), list[tuple[Damage, Outcome]]()
    reading = Reading(store, progress, read_card)
    found = _look(reading)
    # Again after each repair: a manifest that came back may name files that are missing too.
    while repair and (steps := _repair(reading, found.damage, done, given)):
        done += steps
        forget(store.layout)
        reading = Reading(store, progress, read_card)
        found = _look(reading)
    mended = tuple(item for item, outcome in done if outcome == "mended")
    return found.model_copy(update={"repaired": mended, "hint": _advice(found, repair, given)})


def _advice(found: Checked, repair: bool, donors: tuple[Donor, ...]) -> str:
    """What helps against the damage there is."""
    if found.ok:
        return ""
    if not repair:
        return "`adapterhub check --repair` fetches what a remote has and sets the rest aside"
    if any(item.kind in FETCHED for item in found.damage):
        who = "none of the remotes gave" if donors else "no remote could be asked for"
        return (
            f"{who} the bytes that are missing: `adapterhub remote add NAME URL` adds one that has them, then "
            "`adapterhub check --repair`; or `adapterhub add` the same files again; or `adapterhub remove` the versions"
        )
    return "no repair mends this: what each line says helps, or `adapterhub remove` the versions"


def _repair(
    reading: Reading, found: Iterable[Damage], done: list[tuple[Damage, Outcome]], donors: tuple[Donor, ...]
) -> list[tuple[Damage, Outcome]]:
    """What could be done about damage that nothing was done about yet."""
    before = [item for item, _ in done]
    steps = [(item, repair_one(reading, item, donors)) for item in found if item not in before]
    return [(item, outcome) for item, outcome in steps if outcome]


def _strays(reading: Reading) -> Iterator[Damage]:
    """`stray`: what the layout has no place for."""
    for path in strays(reading.store.layout):
        yield Damage(kind="stray", path=str(path), message="the layout has no place for this")


LOOKS: tuple[Callable[[Reading], Iterator[Damage]], ...] = (
    damage.marker,
    damage.names,
    damage.manifests,
    repo_damage.repos,
    damage.blobs,
    damage.notes,
    damage.cards,
    damage.events,
    damage.catalog,
    _strays,
)
"""In the order of what they need: names tell which manifests, manifests and commits which blobs."""


def _look(reading: Reading) -> Checked:
    store = reading.store
    found = tuple(item for look in LOOKS for item in _all_of(look, reading))
    for item in found:
        if item.kind == "corrupt-blob":
            forget_facts(store, item)
    there = [digest for digest, _ in store.blobs.all() if digest]
    loose = [digest for digest in there if digest not in reading.wanted]
    return Checked(
        ok=not found,
        damage=found,
        blobs=len(there),
        unreferenced=len(loose),
        unreferenced_bytes=sum(_size(store.layout.blob(digest)) for digest in loose),
    )


def _all_of(look: Callable[[Reading], Iterator[Damage]], reading: Reading) -> Iterator[Damage]:
    """Everything a look finds; `unreadable` where it cannot go on, as in a folder it may not list."""
    try:
        yield from look(reading)
    except OSError as error:
        yield Damage(kind="unreadable", path=str(error.filename or reading.store.root), message=str(error))


def _size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
