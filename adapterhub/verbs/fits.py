"""`audit`: which adapter fits which base, one pair or all of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from typing import final

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.checks.misread import misreads
from adapterhub.audit.fit import fit
from adapterhub.audit.misreaders import Engine, parse_engine
from adapterhub.audit.read import adapter_of
from adapterhub.audit.report import Report, Verdict, good_enough
from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import NotFound
from adapterhub.formats.intake import take
from adapterhub.formats.members import EntryMembers, FolderMembers
from adapterhub.manifest import BasePin
from adapterhub.note import gather
from adapterhub.reference import is_folder
from adapterhub.registry import Listed
from adapterhub.verbs.bases import card_for, kept_card, known_card, known_cards, with_files
from adapterhub.verbs.desk import Desk

__all__ = ["Base", "adapter_for", "adapter_of_entry", "audit", "fitting", "unfit"]


@final
class Base:
    """A base that was asked for: headers at once, hashes only when an adapter's pin can be compared with them.

    Of a card that was given there are no others.
    """

    def __init__(self, desk: Desk, word: str | None = None, card: Card | None = None) -> None:
        self._desk, self._word, self._card = desk, word, card

    @cached_property
    def headers(self) -> Card:
        return self._card or card_for(self._desk, str(self._word), hashes=False)

    @cached_property
    def hashed(self) -> Card:
        return card_for(self._desk, self._word) if self._word and self.headers.hashable else self.headers

    @cached_property
    def filed(self) -> Card:
        return with_files(self._desk, self.hashed if "hashed" in self.__dict__ else self.headers)

    def fit(self, adapter: Adapter) -> Report:
        """The fit of an adapter; reading the weights is worth it only where their digests decide."""
        report, recorded = fit(adapter, self.headers), adapter.recorded
        if adapter.pin is None or report.verdict != "unpinned":
            return report
        if adapter.pin.evidence == "bytes" and self.headers.hashable:
            report = fit(adapter, self.hashed)
        if not (self._word and recorded and report.verdict == "unpinned"):
            return report
        if bool(recorded.files) != bool(self.headers.files):
            # Files are what both can be compared by: of one side they are told, of the other they can be read.
            report = fit(replace(adapter, recorded=with_files(self._desk, recorded)), self.filed)
        return report


def audit(
    desk: Desk,
    words: Iterable[str] = (),
    bases: Iterable[str | Card] = (),
    *,
    engines: Iterable[str] = (),
    deep: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    watch: Callable[[int, int], None] | None = None,
) -> list[Report]:
    """The fit of every adapter on every base; without words, of all in the store; without bases, on all known ones.

    An adapter that was named and cannot be audited raises; in the matrix of all it is left out, and `tell` is told.
    With `engines`, who would misread an adapter is asked of these alone, and what they misread is a warning. What is
    `deep` reads the values too, which takes torch.
    """
    named, fits = tuple(dict.fromkeys(words)), fitting(desk, bases, engines)
    reports, seen = list[Report](), dict[tuple[str, str | None], str]()
    for word in named:
        adapter = adapter_for(desk, word)
        if (adapter.name, adapter.digest) not in seen:  # one version may be named in several ways
            reports += fits(adapter)
            seen[adapter.name, adapter.digest] = word
    if not named:
        from adapterhub.verbs.matrix import matrix

        reports = matrix(desk, fits, tell=tell, watch=watch)
    if not deep:
        return reports
    from adapterhub.verbs.deep import deepen

    return deepen(desk, reports, partial(adapter_for, desk), words=seen, tell=tell, watch=watch)


def fitting(
    desk: Desk, bases: Iterable[str | Card] = (), engines: Iterable[str] = ()
) -> Callable[[Adapter], Iterator[Report]]:
    """How an adapter fits each of these bases, or of all that are known; every mistake in the words is found here."""
    asked, readers = _bases(desk, bases), [parse_engine(word) for word in dict.fromkeys(engines)]

    def fits(adapter: Adapter) -> Iterator[Report]:
        for base in asked:
            report = base.fit(adapter)
            yield _read_by(readers, adapter, report) if readers else report

    return fits


def _read_by(engines: Iterable[Engine], adapter: Adapter, report: Report) -> Report:
    """The report with what these engines misread in place of what any does."""
    others = (found for found in report.findings if found.check != "misread")
    mine = (found for engine in engines for found in misreads(adapter, engine))
    return report.model_copy(update={"findings": (*others, *mine)})


def _bases(desk: Desk, asked: Iterable[str | Card]) -> list[Base]:
    named = list(asked)
    words = dict.fromkeys(one for one in named if isinstance(one, str))
    cards = [one for one in named if isinstance(one, Card)]
    known = [] if named else sorted(known_cards(desk), key=lambda card: card.name)
    bases = [*(Base(desk, word) for word in words), *(Base(desk, card=card) for card in (*cards, *known))]
    for base in bases:
        _ = base.headers  # a base that is not there is said before any adapter is read
    if not bases:
        raise NotFound(
            "no base is known here, so there is nothing to compare with",
            hint="give one: --base ./folder, or an entry of kind model; or keep one: adapterhub base add ./folder",
        )
    return bases


def adapter_for(desk: Desk, word: str) -> Adapter:
    """An adapter's side of a fit, with its pin: an entry here or in a remote, or a folder."""
    if is_folder(word):
        with take(desk.folder(word)) as intake:
            beside = [name for name, _ in intake.left_out if not name.endswith("/")]
            return adapter_of(FolderMembers(intake.paths), word, beside=beside, facts=intake.facts)
    return adapter_of_entry(desk, *desk.find(word))


def adapter_of_entry(desk: Desk, listed: Listed, entry: Entry) -> Adapter:
    """The same of an entry that was found."""
    noted = gather(entry.notes).base
    pin = BasePin.model_validate(noted) if noted else None
    recorded = _recorded(desk, entry, entry.manifest.base or pin)
    return adapter_of(EntryMembers(entry), str(listed.reference), entry.manifest, noted=pin, recorded=recorded)


def _recorded(desk: Desk, entry: Entry, pin: BasePin | None) -> Card | None:
    """The card of the base an entry is pinned to: the one that came with it, or the one this store keeps."""
    if pin is None or pin.card is None:
        return None
    digest = Digest.parse(pin.card)
    for data in entry.cards:
        if Digest.of(data) == digest:
            return known_card(digest, data, desk.store.settings.bases)
    return kept_card(desk, digest)


def unfit(reports: Iterable[Report], required: Verdict, *, anywhere: bool = False) -> list[Report]:
    """The reports whose verdict is worse than required; with `anywhere`, those of adapters that no base is good for."""
    found = list(reports)
    bad = [report for report in found if not good_enough(report.verdict, required)]
    fitting = {report.adapter for report in found if anywhere and good_enough(report.verdict, required)}
    return [report for report in bad if report.adapter not in fitting]
