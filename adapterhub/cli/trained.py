"""What was trained, for people."""

from typing import TYPE_CHECKING

from adapterhub.cli.learned import metric_lines
from adapterhub.cli.output import print_findings, say
from adapterhub.cli.sheet import print_entry
from adapterhub.cli.text import clean
from adapterhub.cli.training_search import print_arms
from adapterhub.readable import size

if TYPE_CHECKING:
    from adapterhub.verbs.evaluate import Evaluated
    from adapterhub.verbs.forgetting import Remembered
    from adapterhub.verbs.side_by_side import SideBySide
    from adapterhub.verbs.trained import Trained

__all__ = ["print_evaluated", "print_remembered", "print_side_by_side", "print_trained"]

ROUNDING = 5e-5
"""Half of the last digit that is printed."""


def print_trained(trained: "Trained") -> None:
    """A new entry, and where its log and curves lie."""
    print_entry(trained)
    for label, told in metric_lines(trained.metrics):
        if told:
            print(f"  {label:12}{clean(told)}")
    if trained.sync_gap is not None:
        print(f"  {'sync gap':12}at most {trained.sync_gap:.2g} of the workers' mean was lost where they met")
    if trained.again:
        say("note: this very run is published already; --restart trains it again")
    print_findings(trained.findings, indent="  ")
    say(f"log and curves: {trained.run}")


def print_evaluated(found: "Evaluated") -> None:
    """What was measured, one metric a line."""
    print(f"{clean(found.reference)}  {found.task} on {found.rows} rows")
    width = max((len(name) for name in found.metrics), default=0)
    for name, value in found.metrics.items():
        print(f"  {clean(name):{width}}  {value:.4f}")
    print(f"  {found.latency:.2f} ms an example, {size(found.peak_memory)} of memory at the peak, {found.device}")
    print_findings(found.findings, indent="  ")


def print_side_by_side(found: "SideBySide") -> None:
    """A line for each, then the differences from the first; and a word where those are of something else."""
    print_arms(found.arms)
    first, *others = found.entries
    for one in others:
        apart = one.metrics[found.metric] - first.metrics[found.metric]
        if one.difference is None:
            say(f"note: {one.reference}: a row alone has no {found.metric}, so nothing is said of the difference")
        elif abs(one.difference.mean - apart) > ROUNDING:
            say(
                f"note: {one.reference}: {found.metric} is no mean over rows; the difference is that of the rows' own, "
                f"and {apart:+.4f} that of all together"
            )
    if found.picture:
        say(f"as a picture: {found.picture}")


def print_remembered(found: "Remembered") -> None:
    """A row for each set of rows, a column for each entry, and what was forgotten."""
    names = [clean(name) for name in found.data]
    first = max(len(name) for name in (*names, found.metric))
    print("  ".join([f"{clean(found.metric):{first}}", *map(clean, found.entries)]))
    for place, name in enumerate(names):
        cells = (f"{row[place]:{len(clean(entry))}.4f}" for entry, row in zip(found.entries, found.scores, strict=True))
        print("  ".join([f"{name:{first}}", *cells]))
    if found.forgetting is not None:
        told = found.forgetting
        print(
            f"average {told.average:.4f}, forgetting {told.forgetting:.4f}, "
            f"backward transfer {told.backward_transfer:.4f}"
        )
    elif len(found.entries) > 1:
        say(f"note: {len(found.entries)} entries and {len(names)} --data: one of each for every task tells forgetting")
