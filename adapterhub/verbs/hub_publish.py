"""From a tree that makes an entry to a version: what the files and the audit say of it is noted, then it is named."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from adapterhub.audit.report import Report
from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.manifest import BasePin
from adapterhub.note import Note, gather
from adapterhub.protocols.hf_hub.card import base_named, read_card
from adapterhub.protocols.hf_hub.layout import MANIFEST
from adapterhub.reference import Name, Reference
from adapterhub.registry import Listed
from adapterhub.store.derived import keep_facts
from adapterhub.store.history.commit import TreeFile
from adapterhub.store.locks import shared
from adapterhub.store.store import Store
from adapterhub.verbs.add import Request, fresh_notes, read_of, said_of
from adapterhub.verbs.bases import known_card, unheard
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.fits import adapter_of_entry, fitting
from adapterhub.verbs.hub_fit import Bases, bases_for
from adapterhub.verbs.hub_gate import Made, gate, noted
from adapterhub.verbs.hub_notes import with_room

__all__ = ["fit_of", "publish", "publish_commit"]

LONGEST, TAGS = 100, 100
"""Characters of a card's tag, and how many of them are noted, so that lists find them."""

MOST = 20
"""Modules and findings of a report that are noted by name."""


def publish_commit(
    desk: Desk, name: Name, oid: str, made: Made | None, fresh: Iterable[TreeFile], *, before: Iterable[TreeFile]
) -> str | None:
    """What a commit on main publishes: new notes about versions, and a stranger's entry as the next version.

    One of ours waits for its tag, a stranger's gets it when the branch has moved; one that the files `before` the
    commit made as well was a version, and has been removed. Called with the repository's lock held.
    """
    store = desk.under(name)
    tree = {file.path: file for file in store.history.commit(name, oid).files}
    labels = {version.digest: version.label for version in store.names.shelf(name).versions}
    for digest, entry in noted(desk, name, tree, fresh, labels).items():
        store.publish(entry, name.at(labels[digest]))
    if made is None or made.ours:
        return None
    if made.entry.digest not in labels and _made_by(desk, name, before, made):
        return None
    return publish(desk, name, made)


def _made_by(desk: Desk, name: Name, files: Iterable[TreeFile], made: Made) -> bool:
    """Whether these files make the same entry, as a stranger's."""
    there = {file.path: file for file in files}
    if MANIFEST in there:
        return False
    for file in made.entry.manifest.files:  # first: that costs nothing
        if file.path not in there or there[file.path].sha256 != file.sha256:
            return False
    same, _ = gate(desk, name, there.values())
    return same is not None and same.entry.digest == made.entry.digest


def publish(desk: Desk, name: Name, made: Made, label: str | None = None) -> str:
    """Name the entry, with what is known of it; the version's label. Without one, the one it has, or the next integer.

    `LabelTaken` where the label means something else. Publishing the same again changes nothing.
    """
    reference, store = Reference(name, label), desk.under(name)
    store.names.label_for(reference, made.entry.digest)
    with shared(store.layout.incoming):  # else a sweep might clear up under it
        store.notes.begin(made.entry.digest)  # before it is asked what has been said already
    notes = (*made.entry.notes, *with_room(desk, name, made.entry.digest, _said(store, made)))
    entry = replace(made.entry, notes=notes)
    audited = _audited(desk, name, replace(made, entry=entry))
    published = store.publish(entry, reference)
    if audited:  # it is for the readers of this repository, whoever publishes
        store.under(name, guest=True).publish(replace(entry, notes=audited, cards=()), published.reference)
    keep_facts(store, entry.digest, made.facts)
    return str(published.reference.pin)


def _said(store: Store, made: Made) -> tuple[Note, ...]:
    """What the files of a stranger say beside the weights, as `add` notes it, and the base that they name."""
    if made.intake is None:
        return ()
    request = Request()
    said = said_of(made.intake, request)
    card = read_card(made.intake.card)
    adapts, facts = made.entry.manifest.kind == "adapter", made.facts
    if adapts and (base := base_named(card, facts.base_name, facts.base_revision)):
        said["base"] = base
    if card.license:
        said["license"] = {"id": card.license}
    if tags := sorted({tag for tag in card.tags if 0 < len(tag) <= LONGEST})[:TAGS]:
        said["tags"] = {"add": tags}
    return fresh_notes(store, made.entry.manifest, said, read_of(made.intake, request))


def _audited(desk: Desk, name: Name, made: Made) -> tuple[Note, ...]:
    """How the adapter fits the bases that its readers may hear of, unless that was noted."""
    if made.facts.format != "peft":
        return ()
    known = gather((*desk.under(name).notes.about(made.entry.digest), *made.entry.notes))
    found = fit_of(desk, name, made, known.pin)
    return (desk.store.say(made.entry.digest, "audit", found),) if found and not known.says("audit", found) else ()


def fit_of(desk: Desk, name: Name, made: Made, noted: BasePin | None = None) -> dict[str, Any]:
    """By the digest of a base, the verdict and what it rests on.

    Of the bases known here, those that everybody hears of who may read the repository, and the entry's own: what is
    noted is read by all of them.
    """
    with suppress(AdapterHubError):
        listed = Listed(name.at(str(made.entry.digest)), made.entry.digest)
        private = desk.store.history.info(name).private
        bases = bases_for(desk, frozenset((name.namespace,)) if private else frozenset())
        bases |= _own(desk, made, made.entry.manifest.base or noted)
        if bases:
            adapter = adapter_of_entry(desk, listed, made.entry)
            return dict(map(_short, fitting(desk, bases.values())(adapter)))
    return {}


def _own(desk: Desk, made: Made, pin: BasePin | None) -> Bases:
    """The base an entry is pinned to, where its card came along."""
    cards = {Digest.of(data): data for data in made.entry.cards}
    names = desk.store.settings.bases
    return {one: known_card(one, data, names) for one, data in cards.items() if pin and pin.card == str(one)}


def _short(report: Report) -> tuple[str, dict[str, Any]]:
    counts = {what: len(getattr(report, what)) for what in ("missing", "mismatched", "drifted", "unexpected")}
    worst = [found for found in report.findings if found.severity != "info"]
    said = {
        "base": unheard(report.base.name),  # what a private adapter calls it is for who sees that
        "verdict": report.verdict,
        "evidence": report.evidence,
        "matched": report.matched,
        **{what: count for what, count in counts.items() if count},
        **({"findings": _told(f"{found.place}: {found.message}" for found in worst)} if worst else {}),
    }
    return report.base.weights_digest or report.base.layout_digest, said


def _told(messages: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(messages))[:MOST]
