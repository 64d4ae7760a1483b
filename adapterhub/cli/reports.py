"""Fit reports for people: a line for each pair, then why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapterhub.cli.output import print_findings, say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean

if TYPE_CHECKING:
    from adapterhub.audit.report import Report

__all__ = ["print_reports"]

REPORTS = (
    Column("ADAPTER", keep=20, yields=2), Column("BASE", keep=12, yields=1), Column("VERDICT"),
    Column("MATCHED", right=True), Column("MISSING", right=True), Column("MISMATCHED", right=True), Column("EVIDENCE"),
)  # fmt: skip
FEW = 8
"""Up to so many pairs the reasons are printed too; a matrix of hundreds would bury its verdicts."""


def print_reports(reports: "Sequence[Report]") -> None:
    """The verdicts as a table; below it, where the pairs are few, what was found for each."""
    if not reports:
        say("nothing to audit: there is no adapter or no base; `adapterhub base add ./model` adds a base")
        return
    print_table(REPORTS, [_row(report) for report in reports])
    told = [report for report in reports if report.findings]
    if len(reports) > FEW and told:
        say(f"{len(told)} pairs have findings: `adapterhub audit REF --base B` prints them, --json has them all")
        return
    for report in told:
        print(f"\n{clean(report.adapter)} on {clean(report.base.name)}: {report.verdict}")
        print_findings(report.findings, indent="  ")


def _row(report: "Report") -> list[str]:
    missing, mismatched = (str(len(words)) if words else "" for words in (report.missing, report.mismatched))
    return [report.adapter, report.base.name, report.verdict, str(report.matched), missing, mismatched, report.evidence]
