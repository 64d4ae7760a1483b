"""What was compressed, for people."""

from typing import TYPE_CHECKING

from adapterhub.cli.learned import print_worth
from adapterhub.cli.output import print_findings
from adapterhub.cli.sheet import print_entry
from adapterhub.cli.text import clean
from adapterhub.readable import size

if TYPE_CHECKING:
    from adapterhub.verbs.compress import Compressed

__all__ = ["print_compressed"]

WORST = 3


def print_compressed(made: "Compressed") -> None:
    """A new entry, its size, what it lost and where most of it, and metrics before and after."""
    print_entry(made)
    print(f"  {size(made.bytes_before)} before, {size(made.bytes_after)} now; {made.zeros:.2%} of its weights are zero")
    print(f"  relative error {made.relative_error or 0.0:.2e}")
    for tensor, error in sorted(made.errors.items(), key=lambda item: (-item[1], item[0]))[:WORST]:
        print(f"    {error:.2e}  {clean(tensor)}")
    print_worth(made.before, made.metrics)
    print_findings(made.findings, indent="  ")
