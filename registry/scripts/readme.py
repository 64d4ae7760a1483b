"""The table in registry/README.md, written from what the registry says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapterhub import Hub
    from adapterhub.store.summary import Summary

__all__ = ["table", "write_table"]

BEGIN, END = "<!-- table: written by build.py -->\n", "<!-- end of table -->\n"
HEAD = (
    "| entry | what | rank | its domain | upright | its domain, base alone |",
    "|---|---|--:|--:|--:|--:|",
)


def table(hub: "Hub") -> str:
    """Every model and adapter with its accuracies on the held-out images."""
    entries = {entry.reference: entry for entry in hub.list()}
    bases = {entry.reference.partition("@")[0]: entry for entry in entries.values() if entry.kind == "model"}
    rows = [_base(entry) for entry in bases.values()]
    rows += [_adapter(entry, bases) for entry in entries.values() if entry.kind == "adapter"]
    return "\n".join([*HEAD, *rows]) + "\n"


def _base(entry: "Summary") -> str:
    return f"| `{entry.reference}` | base | | | {entry.metrics['accuracy']:.1%} | |"


def _adapter(entry: "Summary", bases: "dict[str, Summary]") -> str:
    (domain,) = (tag for tag in entry.tags if tag != "digits")
    name = str(entry.facts.base_name)
    base = bases[name]
    own, upright, alone = (
        f"{number:.1%}"
        for number in (entry.metrics["accuracy"], entry.metrics["accuracy_upright"], base.metrics[f"accuracy_{domain}"])
    )
    return f"| `{entry.reference}` | for `{name}` | {entry.facts.rank} | {own} | {upright} | {alone} |"


def write_table(hub: "Hub", readme: Path) -> None:
    """Replace the table in the text."""
    before, _, rest = readme.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}{table(hub)}{END}{after}", "utf-8")
