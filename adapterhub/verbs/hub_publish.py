"""From a tree that makes an entry to a version: what the files and the audit say of it is noted, then it is named."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from adapterhub.audit.report import Report
from adapterhub.errors import AdapterHubError
from adapterhub.note import Note, gather
from adapterhub.protocols.hf_hub.card import is_repo, read_card
from adapterhub.reference import Name, Reference
from adapterhub.registry import Listed
from adapterhub.store.derived import keep_facts
from adapterhub.store.history.commit import TreeFile
from adapterhub.verbs.add import Request, fresh_notes, read_of, said_of
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.fits import adapter_of_entry, fitting
from adapterhub.verbs.hub_gate import Made, noted

__all__ = ["fit_of", "publish", "publish_commit"]

MOST = 20
"""Modules and findings of a report that are noted by name."""


def publish_commit(desk: Desk, name: Name, oid: str, made: Made | None, fresh: Iterable[TreeFile]) -> str | None:
    """What a commit on main publishes: new notes about versions, and a stranger's entry as the next version.

    One of ours waits for its tag. Called with the repository's lock held.
    """
    store = desk.store
    tree = {file.path: file for file in store.history.commit(name, oid).files}
    labels = {version.digest: version.label for version in store.names.shelf(name).versions}
    for digest, entry in noted(store, tree, fresh, set(labels)).items():
        store.publish(entry, name.at(labels[digest]))
    if made is None or made.ours:
        return None
    label = publish(desk, name, made)
    if label not in store.history.tags(name):
        store.history.tag(name, label, oid)
    return label


def publish(desk: Desk, name: Name, made: Made, label: str | None = None) -> str:
    """Name the entry, with what is known of it; the version's label. Without one, the one it has, or the next integer.

    `LabelTaken` where the label means something else. Publishing the same again changes nothing.
    """
    reference = Reference(name, label)
    desk.store.names.label_for(reference, made.entry.digest)
    notes = (*made.entry.notes, *_said(desk, made))
    entry = replace(made.entry, notes=notes)
    entry = replace(entry, notes=(*notes, *_audited(desk, name, replace(made, entry=entry))))
    published = desk.store.publish(entry, reference)
    keep_facts(desk.store, entry.digest, made.facts)
    return str(published.reference.pin)


def _said(desk: Desk, made: Made) -> tuple[Note, ...]:
    """What the files of a stranger say beside the weights, as `add` notes it, and the base that they name."""
    if made.intake is None:
        return ()
    request = Request()
    said = said_of(made.intake, request)
    card = read_card(made.intake.card)
    if base := _base(made, card.base, card.revision):
        said["base"] = base
    if card.license:
        said["license"] = {"id": card.license}
    return fresh_notes(desk.store, made.entry.manifest, said, read_of(made.intake, request))


def _base(made: Made, named: str, revision: str) -> dict[str, Any]:
    """The pin that a name is worth; nothing where the name is a path on somebody's machine, or none."""
    facts = made.facts
    if made.entry.manifest.kind != "adapter":
        return {}
    if facts.base_name and is_repo(facts.base_name):
        named, revision = facts.base_name, facts.base_revision or (revision if facts.base_name == named else "")
    if not named:
        return {}
    evidence = {"evidence": "revision", "revision": revision} if revision else {"evidence": "name"}
    return {**evidence, "source": f"hf:{named}"}


def _audited(desk: Desk, name: Name, made: Made) -> tuple[Note, ...]:
    """How the adapter fits the bases known here, unless that was noted; nothing where no base is known."""
    if made.facts.format != "peft":
        return ()
    found = fit_of(desk, name, made)
    known = gather((*desk.store.notes.about(made.entry.digest), *made.entry.notes))
    return (desk.store.say(made.entry.digest, "audit", found),) if found and not known.says("audit", found) else ()


def fit_of(desk: Desk, name: Name, made: Made) -> dict[str, Any]:
    """By the digest of a base, the verdict and what it rests on, for all that are known here."""
    with suppress(AdapterHubError):
        listed = Listed(name.at(str(made.entry.digest)), made.entry.digest)
        adapter = adapter_of_entry(desk, listed, made.entry)
        return dict(map(_short, fitting(desk)(adapter)))
    return {}


def _short(report: Report) -> tuple[str, dict[str, Any]]:
    counts = {what: len(getattr(report, what)) for what in ("missing", "mismatched", "drifted", "unexpected")}
    worst = [found for found in report.findings if found.severity != "info"]
    said = {
        "base": report.base.name,
        "verdict": report.verdict,
        "evidence": report.evidence,
        "matched": report.matched,
        **{what: count for what, count in counts.items() if count},
        **({"findings": _told(f"{found.place}: {found.message}" for found in worst)} if worst else {}),
    }
    return report.base.weights_digest or report.base.layout_digest, said


def _told(messages: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(messages))[:MOST]
