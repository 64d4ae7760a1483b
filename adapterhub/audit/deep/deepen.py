"""A report with what the values say: numbers by module, and findings."""

from adapterhub.audit.deep.checks import CHECKS, Depth
from adapterhub.audit.report import Deep, Measured, Report

__all__ = ["deepened"]

TOLD_BETTER = "partly-untrained"
"""A finding of the facts, which name the first modules alone."""


def deepened(report: Report, depth: Depth) -> Report:
    """The same verdict: that hangs on shapes and digests."""
    rows = (
        Measured(
            module=one.module,
            rank=one.rank,
            effective_rank=one.effective_rank,
            norm=one.norm,
            relative_norm=depth.relative(one.module, one.norm),
        )
        for one in depth.values.updates
    )
    found = [finding for _, look in CHECKS.values() for finding in look(depth)]
    dead = any(finding.check == "dead-module" for finding in found)
    known = [finding for finding in report.findings if not (dead and finding.check == TOLD_BETTER)]
    fresh = report.model_copy(update={"deep": Deep(modules=tuple(rows)), "findings": (*found, *known)})
    return fresh.with_fits(report.fits)
