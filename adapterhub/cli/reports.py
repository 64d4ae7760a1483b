"""Fit reports for people: a few in full, many as a table or a matrix."""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from adapterhub.audit.report import VERDICTS, by
from adapterhub.base.fold import brief, briefed
from adapterhub.cli.matrix import print_matrix
from adapterhub.cli.output import print_findings, say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean, paint, screen

if TYPE_CHECKING:
    from adapterhub.audit.report import Report, Verdict
    from adapterhub.finding import Finding

__all__ = ["print_reports", "together"]

FEW = 8
"""Up to so many pairs each that is not in order is told in full; a matrix of hundreds would bury its verdicts."""

COLOURS: "dict[Verdict, str]" = {
    "exact": "good",
    "cast": "good",
    "unpinned": "info",
    "drifted": "warning",
    "partial": "error",
    "misfit": "error",
}
PAIRS = (
    Column("ADAPTER", keep=20, yields=2), Column("BASE", keep=12, yields=1), Column("VERDICT"),
    Column("MATCHED", right=True), Column("MISSING", right=True), Column("MISMATCHED", right=True),
    Column("DRIFTED", right=True), Column("EVIDENCE"),
)  # fmt: skip
MODULES = (
    Column("MODULES", keep=24), Column("", right=True), Column("STATE"), Column("ADAPTER", right=True),
    Column("BASE", right=True),
)  # fmt: skip
EVIDENCE = {
    "bytes": "the digests of the tensors it was trained on",
    "files": "the digests of the files of its base",
    "revision": "the name of its base, and the commit",
    "name": "the name of its base",
    "none": "nothing says what it was trained on",
}


def print_reports(reports: "Sequence[Report]") -> None:
    """One or a few pairs in full; of many the verdicts."""
    if not reports:
        say("nothing to audit: there is no adapter that can be audited; `adapterhub add ./folder ada/poet` adds one")
        return
    adapters = dict.fromkeys(report.adapter for report in reports)
    matrix = 1 < len(adapters) < len(reports)
    if matrix:
        print_matrix(reports, COLOURS)
    elif len(reports) > 1:
        print_table(PAIRS, [_row(report) for report in reports])
    if matrix or len(reports) > FEW:
        if found := sum(bool(report.findings) for report in reports):
            pairs = "1 pair has" if found == 1 else f"{found} pairs have"
            say(f"{pairs} findings: `adapterhub audit REF --base B` prints them, --html and --json have all")
        return
    for report in reports:
        if len(reports) == 1 or _more_to_say(report):
            print(end="\n" if len(reports) > 1 else "")
            _print_pair(report)


def _more_to_say(report: "Report") -> bool:
    """Whether a row of the table is not all there is."""
    return bool(report.findings or report.deep or report.missing or report.mismatched or report.drifted)


def _row(report: "Report") -> list[str]:
    counts = (report.missing, report.mismatched, report.drifted)
    missing, mismatched, drifted = (str(len(words)) if words else "" for words in counts)
    evidence = report.evidence
    return [
        report.adapter,
        report.base.name,
        report.verdict,
        str(report.matched),
        missing,
        mismatched,
        drifted,
        evidence,
    ]


def _print_pair(report: "Report") -> None:
    """The verdict with its meaning, what it rests on, the modules by what became of them, and the findings."""
    verdict = paint(report.verdict, COLOURS[report.verdict])
    print(f"{paint(clean(f'{report.adapter} on {report.base.name}'), 'bold')}: {verdict}")
    _print_said("", VERDICTS[report.verdict])
    _print_said("evidence  ", f"{report.evidence}: {EVIDENCE[report.evidence]}")
    if report.naming != "identity":
        _print_said("naming    ", report.naming)
    rows = list(_modules(report))
    if rows:
        print_table(MODULES, rows, indent="  ")
    for name in brief(report.unexpected):
        _print_said("brings    ", f"{name}, which the base has not")
    if report.deep is not None and report.deep.modules:
        from adapterhub.cli.depth import print_depth

        print_depth(report.deep)
    print_findings(together(report.findings), indent="  ")


def together(findings: "Sequence[Finding]") -> "Iterator[Finding]":
    """What was found in several places alike, as one."""
    alike: dict[tuple[str, ...], list[Finding]] = {}
    for one in findings:
        alike.setdefault((one.check, one.severity, one.message, one.remedy), []).append(one)
    for each in alike.values():
        places = brief(place for one in each for place in one.place.split(", "))
        yield each[0].model_copy(update={"place": ", ".join(places)})


def _print_said(label: str, text: str) -> None:
    width = screen(sys.stdout)
    lines = [clean(text)] if width is None else textwrap.wrap(clean(text), max(20, width - 2 - len(label)))
    for number, line in enumerate(lines):
        print(f"  {label if not number else ' ' * len(label)}{line}")


def _modules(report: "Report") -> Iterator[list[str]]:
    """A row for modules that are alike: their names folded, how many, what became of them, and the two shapes."""
    drifted = frozenset(report.drifted)
    states: dict[tuple[str, str, str], list[str]] = {}
    for module in report.fits:
        states.setdefault(("drifted" if module in drifted else "fits", "", ""), []).append(module)
    for wrong in report.mismatched:
        states.setdefault(("other shape", by(wrong.adapter), by(wrong.base)), []).append(wrong.module)
    states |= {("missing", "", ""): list(report.missing)} if report.missing else {}
    for (state, mine, theirs), modules in states.items():
        for line, count in briefed(modules).items():
            yield [line, str(count), state, mine, theirs]
