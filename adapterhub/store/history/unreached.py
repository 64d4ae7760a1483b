"""Commits that no branch and no tag reaches any more: they wait for their grace period and go, children first."""

import json
from collections.abc import Iterable
from graphlib import TopologicalSorter

from adapterhub.document import canonical
from adapterhub.durable import replace, sync_folder
from adapterhub.errors import AdapterHubError, Corrupt
from adapterhub.reference import Name
from adapterhub.regular import read_regular
from adapterhub.store.clock import clock_of
from adapterhub.store.history.locking import free_now
from adapterhub.store.history.reader import HistoryReader

__all__ = ["Waiting", "forget", "reached"]

Waiting = dict[Name, set[str]]
"""Repository -> the commits nobody reaches that are still there."""

Marks = dict[str, float]


def reached(history: HistoryReader, name: Name, also: Iterable[str] = ()) -> set[str]:
    """Every commit that a branch, a tag or one of `also` reaches; `Corrupt` where one of them cannot be read."""
    files = [(refs, path) for refs in (history.heads_of(name), history.tags_of(name)) for path in refs.files()]
    found: set[str] = set()
    for tip in (*(refs.read(path)[1] for refs, path in files), *also):
        for oid, _ in history.log(name, tip):
            if oid in found:
                break
            found.add(oid)
    return found


def forget(history: HistoryReader, grace: float) -> Waiting:
    """Mark what nobody reaches, delete what was marked at least `grace` seconds ago; what is left of it.

    A repository somebody writes to right now is left for the next time. `Corrupt`, where one cannot be read: a commit
    or a branch that rotted may reach anything.
    """
    path = history.layout.incoming / "commits.json"
    before, marks, waiting = _read(history), Marks(), Waiting()
    for name in history.all():
        with free_now(history.layout, name) as free:
            if free:
                waiting[name] = _forget_in(history, name, grace, before, marks)
    if marks or before:
        replace(path, canonical(marks))
    return waiting


def _read(history: HistoryReader) -> Marks:
    try:
        said = json.loads(read_regular(history.layout.incoming / "commits.json"))
        return {str(key): float(value) for key, value in said.items()}
    except (FileNotFoundError, Corrupt, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _forget_in(history: HistoryReader, name: Name, grace: float, before: Marks, marks: Marks) -> set[str]:
    try:
        loose = set(history.commits(name)) - reached(history, name)
        moment = clock_of(history.layout.incoming) if loose else 0.0
        since = {oid: min(before.get(f"{name}@{oid}", moment), moment) for oid in loose}
        young = [oid for oid in loose if moment - since[oid] < grace]
        due = loose - reached(history, name, young) if young else loose
        order = _children_first({oid: history.commit(name, oid).parent for oid in due})
    except AdapterHubError as error:
        raise Corrupt(
            f"{name}: {error}; nothing was swept, since nobody knows which files its history names",
            hint="adapterhub check --repair; or delete that repository",
        ) from None
    # Whatever stops this, a commit that is there has its parent, and its blobs.
    for oids in order:
        for oid in oids:
            history.path(name, oid).unlink(missing_ok=True)
        sync_folder(history.path(name, oids[0]).parent)
    marks.update({f"{name}@{oid}": since[oid] for oid in loose - due})
    return loose - due


def _children_first(parents: dict[str, str | None]) -> list[tuple[str, ...]]:
    """Commits in rows: each stands in a row after those it is the parent of."""
    sorter = TopologicalSorter[str](dict.fromkeys(parents, ()))
    for oid, parent in parents.items():
        if parent in parents:
            sorter.add(str(parent), oid)
    sorter.prepare()
    rows = []
    while sorter.is_active():
        rows.append(sorter.get_ready())
        sorter.done(*rows[-1])
    return rows
