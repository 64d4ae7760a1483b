"""An adapter: one of its versions in full, and what all of them have been."""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from adapterhub.audit.report import Report
from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.protocols.hf_hub.card import body_of
from adapterhub.protocols.hf_hub.layout import CARD, alias_of
from adapterhub.reference import parse
from adapterhub.server.reach import Place
from adapterhub.server.web.plot import plots, table
from adapterhub.server.web.repository import rows
from adapterhub.store.history.commit import Commit
from adapterhub.store.index.kin import children, named
from adapterhub.store.index.newest import summaries
from adapterhub.verbs.hub_fit import Bases, bases_for, fit_row
from adapterhub.verbs.hub_look import find
from adapterhub.verbs.hub_model import versions_of
from adapterhub.verbs.look import show
from adapterhub.verbs.shown import Shown

__all__ = ["Fit", "chosen", "shown_at"]

MOST = 200
"""Versions in a table or a plot, and children: the latest."""

LARGEST = 1 << 20
"""Bytes of a README that is read."""

Version = dict[str, Any]


@final
@dataclass(frozen=True)
class Fit:
    """How an adapter fits a base that is known here."""

    card: Digest
    report: Report

    @property
    def modules(self) -> int:
        """All that the adapter changes."""
        return self.report.matched + len(self.report.missing) + len(self.report.mismatched)


def chosen(place: Place, revision: str) -> tuple[Version | None, list[Version], str, Commit | None]:
    """The version a revision is ("" for the newest), all versions, and the commit; `RevisionNotFound`.

    A version that cannot be read has no commit.
    """
    versions = versions_of(place.desk, place.name)
    newest = versions[-1] if versions else None
    if newest and not revision:
        if not newest["commit"]:
            return newest, versions, "", None
        revision = newest["version"]
    oid, commit = find(place.desk, place.name, revision or "main")
    alias = alias_of(revision)
    meant = [one for one in versions if one["version"] == revision or (alias and alias in one["aliases"])]
    there = meant or [one for one in versions if one["commit"] == oid]
    return (there[-1] if there else None), versions, oid, commit


def shown_at(place: Place, revision: str) -> dict[str, Any]:
    """What the template of an adapter shows."""
    version, versions, oid, commit = chosen(place, revision)
    shown = _shown(place, version)
    measured = _measured(place)
    word = version["version"] if version else revision or "main"
    return {
        "name": place.name,
        "private": place.info.private,
        "version": version,
        "revision": word,
        "oid": oid,
        "versions": list(reversed(versions))[:MOST],
        "all_versions": len(versions),
        "newest": versions[-1]["version"] if versions else "",
        "shown": shown,
        "files": rows(place.name, commit) if commit else [],
        "card": _card(place, commit, shown),
        "plots": plots(measured),
        "measured": table(measured),
        "made": _made(shown),
        **(_kin(place, shown) if shown else {"fits": [], "unfit": "", "parents": [], "children": [], "base": None}),
    }


def _shown(place: Place, version: Version | None) -> Shown | None:
    """All that is known of a version; None where it cannot be read."""
    with suppress(AdapterHubError):
        return show(place.desk, str(place.name.at(version["version"]))) if version else None
    return None


def _measured(place: Place) -> list[tuple[str, dict[str, float]]]:
    known = summaries(place.desk.store, [str(place.name)]).get(str(place.name), [])
    return [(parse(one["reference"]).pin or "", one.get("metrics") or {}) for one in known[-MOST:]]


def _card(place: Place, commit: Commit | None, shown: Shown | None) -> str:
    """What a person wrote in the README there, else in the card that was noted."""
    file = commit.file(CARD) if commit else None
    text = ""
    if file and file.size <= LARGEST:
        with suppress(AdapterHubError):
            text = place.desk.store.blobs.read(file.blob, CARD).decode(errors="replace")
    return body_of(text) or body_of(shown.card if shown else "")


def _made(shown: Shown | None) -> list[tuple[str, str]]:
    """How the entry was made, as people read JSON."""
    if shown is None:
        return []
    said = {"Recipe": shown.manifest.recipe, "Training": shown.training, "Cost": shown.cost, "Values": shown.values}
    return [(word, json.dumps(data, indent=2, ensure_ascii=False)) for word, data in said.items() if data]


def _kin(place: Place, shown: Shown) -> dict[str, Any]:
    """The bases it fits, and the adapters it comes from or led to, as far as the caller may see them."""
    namespaces, store = place.caller.sees, place.desk.store
    bases = bases_for(place.desk, namespaces) if shown.manifest.kind == "adapter" else {}
    fits, unfit = _fits(place, shown, bases)
    parents = shown.manifest.parents
    called = named(store, [parent.digest for parent in parents], namespaces)
    card = shown.base.get("card")
    return {
        "fits": fits,
        "unfit": unfit,
        "parents": [(parent, called.get(parent.digest, [])) for parent in parents],
        "children": children(store, shown.digest, namespaces, MOST),
        "base": card if card and Digest.parse(card) in bases else None,
    }


def _fits(place: Place, shown: Shown, bases: Bases) -> tuple[list[Fit], str]:
    """How it fits, or why nobody can tell."""
    try:
        return [Fit(card, report) for card, report in fit_row(place.desk, shown.reference, bases)], ""
    except AdapterHubError as error:
        return [], str(error) if shown.facts.format != "peft" else "its files cannot be read"
