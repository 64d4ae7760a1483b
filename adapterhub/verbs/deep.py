"""`audit --deep`: what the values say of adapters that were audited, and which other entries do the same."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.deep.alike import factor
from adapterhub.audit.deep.checks import Depth
from adapterhub.audit.deep.deepen import deepened
from adapterhub.audit.deep.twins import Twin
from adapterhub.audit.deep.values import MAKER, Values
from adapterhub.audit.report import Report
from adapterhub.audit.side import read_side
from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, Corrupt
from adapterhub.regular import read_regular
from adapterhub.store.derived import keep
from adapterhub.verbs.desk import Desk, contents
from adapterhub.verbs.matrix import known_adapters
from adapterhub.verbs.subject import Subject, subject
from adapterhub.verbs.weights import Sizes

if TYPE_CHECKING:
    from adapterhub.store.index.sides import Audited

__all__ = ["deepen"]

Watch = Callable[[int, int], None]
Key = tuple[str, str | None]


def deepen(
    desk: Desk,
    reports: Iterable[Report],
    find: Callable[[str], Adapter],
    *,
    words: Mapping[Key, str],
    tell: Callable[[str], None],
    watch: Watch | None = None,
) -> list[Report]:
    """The reports with what the values say, each adapter read once.

    `words` say how an adapter was named; one that was not, and cannot be read, keeps its report, and `tell` is told.
    """
    groups: dict[Key, list[Report]] = {}
    for report in reports:
        groups.setdefault((report.adapter, report.digest), []).append(report)
    look, found = _Look(desk, Sizes(desk)), list[Report]()
    for count, (key, group) in enumerate(groups.items()):
        if watch:
            watch(count, len(groups))
        try:
            found += look.reports(words.get(key, key[0]), group, find)
        except AdapterHubError as error:
            if key in words:
                raise
            tell(f"{key[0]}: its values cannot be read: {error}")
            found += group
    return found


@final
@dataclass(frozen=True)
class _Look:
    """One look at several adapters: what was read for one of them is there for the next."""

    desk: Desk
    sizes: Sizes
    seen: dict[Digest, Values] = field(default_factory=dict)

    def reports(self, word: str, group: Iterable[Report], find: Callable[[str], Adapter]) -> list[Report]:
        side = find(word)
        with subject(self.desk, word) as one:
            values = self.values(one.entry, one.label)
            twins = tuple(self.twins(one, side, values))
        return [deepened(report, self._depth(report, side, values, twins)) for report in group]

    def _depth(self, report: Report, side: Adapter, values: Values, twins: tuple[Twin, ...]) -> Depth:
        sizes, unsized = self.sizes.of(report.base, side, [one.module for one in values.updates if one.norm])
        untrained = any(finding.check == "untrained" for finding in report.findings)
        return Depth(report.adapter, report.base.name, values, sizes, unsized, twins, untrained)

    def values(self, entry: Entry, label: str) -> Values:
        """What an entry's values say. Of one that lies in this store it is remembered."""
        digest, store = entry.digest, self.desk.store
        path, mine = store.layout.values(digest), store.local and store.blobs.has(digest)
        if mine and digest not in self.seen and (kept := _kept(path)):
            self.seen[digest] = kept
        if digest not in self.seen:
            from adapterhub.audit.deep.read import read

            self.seen[digest] = read(entry, label)
            if mine:
                keep(store, path, self.seen[digest].to_bytes())
        return self.seen[digest]

    def twins(self, one: Subject, side: Adapter, values: Values) -> Iterator[Twin]:
        """Other entries of the same layout that have the same files, or whose update is the same."""
        for row in self._alike(side) if self.desk.store.exists() else ():
            if row.reference != one.label:
                with suppress(AdapterHubError):  # a damaged entry is nobody's twin; its own audit says what is wrong
                    yield from self._twin(one.entry, values, row)

    def _twin(self, entry: Entry, values: Values, row: "Audited") -> Iterator[Twin]:
        other = self.desk.store.open(Digest.parse(row.digest))
        if contents(other.manifest) == contents(entry.manifest):
            yield Twin(row.reference)
        elif values.sketches and (times := factor(values, self.values(other, row.reference))) is not None:
            yield Twin(row.reference, times)

    def _alike(self, side: Adapter) -> Iterator["Audited"]:
        """The entries of this store that change the same weights."""
        rows, sides = self._known
        for row in rows:
            other = sides[row.side]
            if other.targets == side.targets and other.saved.keys() == side.saved.keys():
                yield row

    @cached_property
    def _known(self) -> tuple[tuple["Audited", ...], dict[str, Adapter]]:
        known = known_adapters(self.desk)
        return known.rows, {digest: read_side(data) for digest, data in known.sides.items()}


def _kept(path: Path) -> Values | None:
    """What was remembered, if this version of us wrote it."""
    try:
        values = Values.from_bytes(read_regular(path), str(path))
    except (OSError, Corrupt):
        return None
    return values if values.maker == MAKER else None
