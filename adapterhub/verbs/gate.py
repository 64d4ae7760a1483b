"""What the audit lets through: a misfit is refused, and a partial fit, unless a person allows it by its name."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from adapterhub.audit.report import Report, Verdict
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, DoesNotFit, Refused
from adapterhub.registry import Listed
from adapterhub.verbs.bases import known_cards
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.fits import adapter_for, adapter_of_entry, fitting, unfit

__all__ = ["gate", "gate_entries", "gate_together", "verdicts"]

FEW = 5
WORDS = {"partial": "a partial fit", "misfit": "a misfit"}
"""Verdicts that are nouns; the others say how it is."""


def gate(reports: Iterable[Report], *, partial: bool | None = None, misfit: bool | None = None) -> None:
    """`DoesNotFit` with every adapter that has no place in its base, or only some of it, and with the reason.

    `partial` and `misfit` allow these; None where nobody can ask for that.
    """
    allowed = {"partial": partial, "misfit": misfit}
    bad = [report for report in reports if not allowed.get(report.verdict, True)]
    if not bad:
        return
    words = (word for word in dict.fromkeys(report.verdict for report in bad) if allowed[word] is not None)
    told = " or ".join(f"{word}=True (--{word})" for word in words)
    hint = "`adapterhub audit REF --base B` says all"
    raise DoesNotFit(_each(bad), hint=f"{hint}; where it is meant, {told} allows it" if told else hint)


def _each(bad: Sequence[Report]) -> str:
    more = [f"and {len(bad) - FEW} more"] if len(bad) > FEW else []
    return "; ".join([*map(_why, bad[:FEW]), *more])


def _why(report: Report) -> str:
    errors = [found for found in report.findings if found.severity == "error"]
    reason = f": {errors[0].place}: {errors[0].message}" if errors else ""
    what = WORDS.get(report.verdict, report.verdict)
    return f"{report.adapter} is {what} on {report.base.name}, {report.matched} of its modules fit{reason}"


def gate_together(desk: Desk, words: Sequence[str], *, misfit: bool = False) -> None:
    """`DoesNotFit` where an adapter has no place at all in the base another is pinned to: no model holds both.

    Only what is pinned to a base whose card is here is asked; other formats than PEFT cannot be.
    """
    pinned = []
    for word in dict.fromkeys(words) if len(words) > 1 else ():
        with suppress(Refused):
            pinned.append(adapter_for(desk, word))
    if cards := {card.layout_digest: card for one in pinned if (card := one.recorded)}:
        fits = fitting(desk, cards.values())
        gate((report for one in pinned for report in fits(one)), partial=True, misfit=misfit)


def gate_entries(desk: Desk, found: Iterable[tuple[Listed, Entry]], bases: Iterable[str], require: Verdict) -> None:
    """`DoesNotFit` with every entry whose verdict on one of the bases is worse than required; they may lie anywhere."""
    fits = fitting(desk, bases)
    reports = [report for listed, entry in found for report in fits(adapter_of_entry(desk, listed, entry))]
    if bad := unfit(reports, require):
        raise DoesNotFit(_each(bad), hint=f"{require} is required: `adapterhub audit REF --base B` says all")


def verdicts(desk: Desk, words: Iterable[str]) -> dict[str, dict[str, str]]:
    """By adapter and base, the verdicts on all bases that are known; of what cannot be audited, none."""
    told: dict[str, dict[str, str]] = {}
    cards = sorted(known_cards(desk), key=lambda card: card.name)
    if not cards:
        return told
    fits = fitting(desk, cards)
    for word in words:
        with suppress(AdapterHubError):
            told[word] = {report.base.name: report.verdict for report in fits(adapter_for(desk, word))}
    return told
