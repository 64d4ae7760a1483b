"""The sheet of one entry, for people: labelled lines, then its files, then what was found."""

import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from adapterhub.base.fold import fold
from adapterhub.cli.learned import evaluation_lines, metric_lines, training_lines
from adapterhub.cli.output import print_findings
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean, paint, screen, wide
from adapterhub.readable import short, size

if TYPE_CHECKING:
    from adapterhub.facts import Facts
    from adapterhub.verbs.shown import Shown

__all__ = [
    "base_line",
    "print_added",
    "print_base",
    "print_entry",
    "print_noted",
    "print_shown",
    "print_tags",
    "rank_line",
]

LABEL = 12
FILES = (Column("FILE", keep=16), Column("SIZE", right=True), Column("SHA256"))


def print_shown(shown: "Shown") -> None:
    """All that is known of an entry."""
    print(paint(clean(shown.reference), "bold"))
    # Without a label, because with one it would not fit a terminal of 80 columns.
    print(f"  {shown.digest}")
    for label, value in (*_what(shown), *_said(shown)):
        if value:
            _print_line(label, value)
    print()
    files = [[file.path, size(file.size), short(file.sha256)] for file in shown.manifest.files]
    print_table(FILES, files, indent="  ")
    if shown.findings:
        print()
        print_findings(shown.findings, indent="  ")


def print_added(shown: "Shown") -> None:
    """One line for an entry that is new or was there already, then what was found."""
    print_entry(shown)
    print_findings(shown.findings, indent="  ")


def print_entry(shown: "Shown") -> None:
    """One line for an entry."""
    facts = shown.facts
    parts = [facts.type or facts.format, rank_line(facts) and f"rank {rank_line(facts)}", size(shown.manifest.size)]
    told = ", ".join(part for part in parts if part)
    print(f"{paint(clean(shown.reference), 'bold')}  {short(shown.digest)}  {clean(told)}")


def print_tags(shown: "Shown") -> None:
    """The tags an entry has now."""
    print(f"{clean(shown.reference)}  {clean(', '.join(shown.tags)) or 'no tags'}")


def print_noted(shown: "Shown") -> None:
    """What is noted down about an entry now."""
    print(clean(shown.reference))
    noted = sorted({**shown.values, **shown.metrics}.items())
    label = max((wide(clean(key)) + 2 for key, _ in noted), default=0)
    for key, value in noted:
        _print_line(clean(key), _value(value), max(label, LABEL))


def print_base(shown: "Shown") -> None:
    """The base an entry is pinned to now."""
    print(f"{clean(shown.reference)}  {clean(base_line(shown))}")
    print_findings(shown.findings, indent="  ")


def rank_line(facts: "Facts") -> str:
    """The ranks, the most frequent first: `8`, or `8 (24 modules), 16 (2 modules)` where they differ."""
    if len(facts.ranks) < 2:
        return "" if facts.rank is None else str(facts.rank)
    often = sorted(facts.ranks.items(), key=lambda item: (-item[1], int(item[0])))
    shown = ", ".join(f"{rank} ({count} {_plural(count, 'module')})" for rank, count in often[:4])
    return f"{shown}, …" if len(often) > 4 else shown


def base_line(shown: "Shown") -> str:
    """The base and how well it is known."""
    pin = shown.base
    if pin:
        called = shown.facts.base_called(pin.get("source")) or "a base without a name"
        revision = f"@{pin['revision']}" if pin.get("revision") else ""
        weights = f", weights {short(pin['weights_digest'])}" if pin.get("weights_digest") else ""
        return f"{called}{revision} (pinned by {pin['evidence']}{weights})"
    if name := shown.facts.base_name:
        return f"{name} (by name only: `adapterhub pin` notes which one it was)"
    return ""


def _what(shown: "Shown") -> Iterator[tuple[str, str]]:
    """What the manifest and the files say."""
    facts, manifest = shown.facts, shown.manifest
    modules = f"{facts.modules} {_plural(facts.modules, 'module')}" if facts.modules else ""
    yield "kind", manifest.kind
    yield "format", ", ".join(part for part in (facts.format, facts.type, facts.task) if part)
    yield "rank", rank_line(facts)
    yield "alpha", "" if facts.alpha is None else f"{facts.alpha:g}"
    yield "targets", _joined(", ".join(fold(facts.targets)), modules)
    yield "parameters", f"{facts.parameters:,} {facts.dtype or ''}".strip() if facts.parameters else facts.dtype or ""
    yield "size", f"{size(manifest.size)} in {len(manifest.files)} {_plural(len(manifest.files), 'file')}"
    yield "details", _pairs(facts.details)
    yield "base", base_line(shown)
    for parent in manifest.parents:
        yield "parent", f"{short(parent.digest)} × {parent.weight:g}"
    yield "recipe", _pairs(manifest.recipe or {})
    yield from _training(shown)


def _training(shown: "Shown") -> list[tuple[str, str]]:
    training = shown.manifest.training or {}
    with suppress(AttributeError, KeyError, TypeError, ValueError):  # a stranger's, who says it in a form of his own
        if "task" in training.get("config", {}):
            return list(training_lines(training))
    return [("training", _pairs(training or shown.training))]


def _said(shown: "Shown") -> Iterator[tuple[str, str]]:
    """What the notes say, and what this registry calls it."""
    cost = dict(shown.cost)
    if isinstance(memory := cost.get("peak_memory"), int | float):
        cost["peak_memory"] = size(memory)
    yield from metric_lines(shown.metrics)
    yield from evaluation_lines(shown.evaluation)
    yield "tags", ", ".join(shown.tags)
    yield "licence", shown.license
    yield "cost", _pairs(cost)
    yield "notes", _pairs(shown.values)
    yield "known as", ", ".join(shown.known_as)
    yield "left out", ", ".join(left.path for left in shown.left_out)
    yield "aliases", ", ".join(shown.aliases)
    yield "added", _joined(shown.time[:19].replace("T", " "), f"by {shown.by}" if shown.by else "", " ")


def _joined(first: str, second: str, between: str = "  ·  ") -> str:
    return between.join(part for part in (first, second) if part)


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} {_value(value)}" for key, value in sorted(values.items()) if value not in (None, "", {}, [])
    )


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and any(isinstance(item, str) for item in value):
        return " ".join(map(_value, value))
    return _pairs(value) if isinstance(value, dict) else str(value)


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _print_line(label: str, value: str, columns: int = LABEL) -> None:
    """A label and its value, wrapped below itself on a terminal and on one line elsewhere."""
    start = f"  {label}{' ' * (columns - wide(label))}"
    width = screen(sys.stdout)
    if width is None:
        print(f"{start}{clean(value)}")
        return
    wrapped = textwrap.wrap(clean(value), max(20, width - len(start)), break_on_hyphens=False)
    print(paint(start, "dim") + f"\n{'':{len(start)}}".join(wrapped))
