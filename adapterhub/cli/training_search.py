"""What a search found, and how arms compare, as tables for people."""

from typing import TYPE_CHECKING

from adapterhub.cli.clock import clock
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean
from adapterhub.readable import size

if TYPE_CHECKING:
    from adapterhub.train.watch.arms import Arm, Arms
    from adapterhub.train.watch.ladder import Rung, SearchReport

__all__ = ["print_arms", "print_search"]

METRIC = 12
"""Columns of a metric's name in a heading."""


def print_search(report: "SearchReport") -> None:
    """A line for every run, the best marked; then what to make of it."""
    columns = (
        Column("RANK", right=True), Column("LR", right=True), Column("SEED", right=True, keep=0, yields=2),
        Column(report.metric.upper()[:METRIC], right=True), Column("AT STEP", right=True, keep=0, yields=3),
        Column("TIME", right=True, keep=0, yields=4), Column("TRAINED", right=True, keep=0, yields=1),
        Column("MEMORY", right=True, keep=0), Column(""),
    )  # fmt: skip
    seeds = len({rung.seed for rung in report.rungs}) > 1
    rows = [_rung(rung, best=rung == report.best, seeds=seeds) for rung in report.rungs]
    print_table(columns, rows)
    for rung in report.rungs:
        if rung.fault:
            print(clean(f"failed: lr {rung.lr:g}{'' if rung.rank is None else f', rank {rung.rank}'}: {rung.fault}"))
    if report.at_the_edge and report.best:
        print(f"→ lr {report.best.lr:g} is at the end of what was tried: try some beyond it")


def _rung(rung: "Rung", *, best: bool, seeds: bool) -> list[str]:
    return [
        "" if rung.rank is None else str(rung.rank),
        f"{rung.lr:g}",
        str(rung.seed) if seeds else "",
        "failed" if rung.value is None else f"{rung.value:.4f}",
        "" if rung.best_step is None else str(rung.best_step),
        clock(rung.seconds) if rung.seconds else "",
        f"{rung.trainable:,}" if rung.trainable else "",
        "" if rung.peak_memory is None else size(rung.peak_memory),
        "← best" if best else "",
    ]


def print_arms(report: "Arms") -> None:
    """A line for every arm, mean ± standard deviation over its seeds; then the differences that were measured."""
    columns = (
        Column("ARM", keep=12), Column(report.metric.upper()[:METRIC], right=True), Column("LR", right=True, keep=0),
        Column("TRAINED", right=True), Column("SHARE", right=True, keep=0, yields=1), Column("TIME", right=True),
        Column("MEMORY", right=True), Column("FILE", right=True), Column("MS EACH", right=True, keep=0, yields=2),
    )  # fmt: skip
    print_table(columns, [_arm(arm, report.arms[0]) for arm in report.arms])
    for name, found in report.differences.items():
        between = f"{found.confidence:.0%}: {found.low:+.4f} to {found.high:+.4f}, {found.rows:,} rows"
        print(clean(f"{name} minus {report.arms[0].name}: {found.mean:+.4f} ({between})"))


def _arm(arm: "Arm", first: "Arm") -> list[str]:
    share = f"{arm.trainable / first.trainable:.2%}" if arm.trainable and first.trainable and arm is not first else ""
    return [
        arm.name,
        f"{arm.mean:.4f}" + ("" if arm.spread is None else f" ± {arm.spread:.4f}"),
        "" if arm.lr is None else f"{arm.lr:g}",
        "" if arm.trainable is None else f"{arm.trainable:,}",
        share,
        "" if arm.seconds is None else clock(arm.seconds),
        "" if arm.peak_memory is None else size(arm.peak_memory),
        size(arm.file_bytes),
        "" if arm.latency is None else f"{arm.latency:.2f}",
    ]
