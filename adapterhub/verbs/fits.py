"""`audit`: which adapter fits which base, one pair or all of them."""

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from adapterhub.audit.fit import fit
from adapterhub.audit.read import adapter_of
from adapterhub.audit.report import VERDICTS, Report, Verdict, good_enough
from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, NotFound, WrongUsage
from adapterhub.formats.intake import take
from adapterhub.formats.members import EntryMembers, FolderMembers
from adapterhub.manifest import BasePin, Manifest
from adapterhub.note import gather
from adapterhub.reference import is_folder
from adapterhub.verbs.bases import card_for, known_cards
from adapterhub.verbs.desk import Desk

__all__ = ["REQUIRED", "audit", "check_verdict", "unfit"]

REQUIRED: Verdict = "drifted"


def audit(desk: Desk, words: Iterable[str] = (), bases: Iterable[str] = ()) -> list[Report]:
    """The fit of every adapter on every base; without words, of all in the store; without bases, on all known ones."""
    named = tuple(words)
    cards = _cards(desk, bases)
    reports = []
    for word in named or _all(desk):
        try:
            reports += [_one(desk, word, card) for card in cards]
        except AdapterHubError:
            if named:
                raise
    return reports


def _cards(desk: Desk, bases: Iterable[str]) -> list[Card]:
    cards = [card_for(desk, word) for word in bases] or list(known_cards(desk))
    if not cards:
        raise NotFound(
            "no base is known here, so there is nothing to compare with",
            hint="give one: --base ./folder, or an entry of kind model; or keep one: adapterhub base add ./folder",
        )
    return cards


def _all(desk: Desk) -> Iterator[str]:
    """Every adapter of the store that can be audited."""
    for listed in desk.store.list():
        with suppress(AdapterHubError):
            if desk.store.manifest(listed.digest).kind == "adapter":
                yield str(listed.reference)


def _one(desk: Desk, word: str, card: Card) -> Report:
    if is_folder(word):
        return _folder(desk.folder(word), word, card)
    listed, entry = desk.find(word)
    return fit_entry(desk, str(listed.reference), entry, card)


def fit_entry(desk: Desk, name: str, entry: Entry, card: Card) -> Report:
    """The fit of an entry: what it is pinned to counts."""
    noted = gather(entry.notes).base
    pin = BasePin.model_validate(noted) if noted else None
    recorded = _recorded(desk, entry.manifest, pin)
    adapter = adapter_of(EntryMembers(entry), name, entry.manifest, noted=pin, recorded=recorded)
    return fit(adapter, card)


def _recorded(desk: Desk, manifest: Manifest, noted: BasePin | None) -> Card | None:
    """The card of the base an entry is pinned to, if the store has it."""
    pin = manifest.base or noted
    if pin is None or pin.card is None:
        return None
    with suppress(NotFound):
        digest = Digest.parse(pin.card)
        return Card.from_bytes(desk.store.card(digest), f"base card {digest}")
    return None


def _folder(folder: Path, word: str, card: Card) -> Report:
    with closing(take(folder)) as intake:
        return fit(adapter_of(FolderMembers(intake.paths), word), card)


def check_verdict(text: str) -> Verdict:
    """A verdict as it is written; `WrongUsage` names those there are."""
    for verdict in VERDICTS:
        if verdict == text:
            return verdict
    raise WrongUsage(f"{text!r} is no verdict", hint=f"one of {', '.join(VERDICTS)}, best first")


def unfit(reports: Iterable[Report], required: Verdict = REQUIRED) -> list[Report]:
    """The reports whose verdict is worse than required."""
    return [report for report in reports if not good_enough(report.verdict, required)]
