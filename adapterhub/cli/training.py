"""What a training would take, for people."""

from typing import TYPE_CHECKING

from adapterhub.cli.output import print_findings
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean
from adapterhub.readable import size

if TYPE_CHECKING:
    from adapterhub.train.resources.plan import TrainPlan

__all__ = ["print_train_plan"]

TARGETS = (Column("TRAINED", keep=24), Column("MODULES", right=True))
MEMORY = (Column("MEMORY"), Column("BYTES", right=True), Column("WHAT", keep=0))


def print_train_plan(plan: "TrainPlan") -> None:
    """What would be trained, what memory that takes by what it is for, how long it lasts, how large the file gets."""
    print_table(TARGETS, [[name, str(count)] for name, count in plan.targets.items()])
    print()
    memory = plan.memory
    several = "s" if plan.micro_batch != 1 else ""
    rows = (
        ("weights", memory.weights, "the base and what is trained"),
        ("gradients", memory.gradients, "of what is trained"),
        ("optimizer", memory.optimizer, "two moments of each number that is trained"),
        ("activations", memory.activations, f"of the {plan.micro_batch} longest example{several}, measured"),
        ("peak", memory.peak, "of a process, with Python and torch"),
        ("budget", memory.budget, "for activations"),
    )
    print_table(MEMORY, [[name, size(count), what] for name, count, what in rows if count])
    print()
    share = f"{plan.trainable_share:.2%}"
    print(
        f"{plan.trainable_parameters:,} of {plan.total_parameters:,} parameters trained ({share}), a file of about "
        f"{size(plan.file_bytes)}"
    )
    processes = f" in each of {plan.processes} processes" if plan.processes > 1 else ""
    print(
        f"{plan.examples:,} examples, {plan.epochs:.3g} epochs, {plan.steps:,} steps of {plan.batch}, "
        f"{plan.micro_batch} at once{processes}"
    )
    print(f"about {_duration(plan.seconds)} on {clean(plan.device)} in {plan.precision}; nothing was trained")
    print_findings(plan.findings)


def _duration(seconds: float) -> str:
    """A time as people say it.

    >>> _duration(0.4), _duration(90), _duration(5400)
    ('1 s', '1.5 min', '1.5 h')
    """
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
