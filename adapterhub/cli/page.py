"""Fit reports as a page that stands alone: no script, nothing from elsewhere, light or dark as the reader has it."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from adapterhub.audit.report import VERDICTS, by
from adapterhub.base.fold import brief
from adapterhub.cli.reports import together
from adapterhub.cli.text import clean
from adapterhub.durable import replace
from adapterhub.errors import Conflict
from adapterhub.readable import count, short
from adapterhub.reference import home_path

if TYPE_CHECKING:
    from adapterhub.audit.report import Measured, Report

__all__ = ["page", "write_page"]

STYLE = Path(__file__).with_name("page.css")
MOST = 200
"""Pairs that are told in full; of more those whose verdict is best."""

LAYER = re.compile(r"(?:^|(?<=\.))(?:0|[1-9][0-9]{0,8})(?=\.|$)")
"""The first number of a module's path, as a word of its own."""

STATES = {
    "fits": ("✓", "is there with the right shape"),
    "drifted": ("~", "is there, with other weights than it was trained on"),
    "shape": ("≠", "is there with another shape"),
    "missing": ("–", "is not there"),
}
SEVERITIES = ("error", "warning", "info")


def write_page(path: Path, reports: "Sequence[Report]") -> Path:
    """Write the page beside its place, then name it; what is there and no file (a device, a folder) is left alone."""
    target = Path(os.path.realpath(home_path(path)))
    if target.exists() and not target.is_file():
        raise Conflict(f"{path} is there already and is no file", hint="give a new file: --html matrix.html")
    replace(target, page(reports).encode(errors="backslashreplace"))
    return target


def page(reports: "Sequence[Report]") -> str:
    """The page: verdicts as a matrix where there are several pairs, then each pair in full."""
    order = list(VERDICTS)
    best = sorted(range(len(reports)), key=lambda at: order.index(reports[at].verdict))[:MOST]
    full = dict.fromkeys(sorted(best))
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_title(reports)}</title>\n<style>\n{STYLE.read_text()}</style>\n</head>\n<body>",
        f"<h1>{_title(reports)}</h1>",
        *_legend(reports),
        *(_matrix(reports, full) if len(reports) > 1 else ()),
        *(line for at in full for line in _pair(at, reports[at])),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _text(words: object) -> str:
    return escape(clean(str(words)))


def _title(reports: "Sequence[Report]") -> str:
    if len(reports) == 1:
        return _text(f"{reports[0].adapter} on {reports[0].base.name}")
    adapters, bases = {one.adapter for one in reports}, {_base(one) for one in reports}
    return f"Which adapter fits which base: {count(len(adapters), 'adapter')}, {count(len(bases), 'base')}"


def _base(report: "Report") -> tuple[str, str]:
    return report.base.name, report.base.weights_digest or report.base.layout_digest


def _legend(reports: "Sequence[Report]") -> Iterator[str]:
    counts = Counter(report.verdict for report in reports)
    yield '<ul class="legend">'
    for verdict, about in VERDICTS.items():
        if counts[verdict]:
            yield f'<li><span class="badge {verdict}">{verdict}</span> {counts[verdict]:,} · {about}</li>'
    yield "</ul>"


def _matrix(reports: "Sequence[Report]", full: dict[int, None]) -> Iterator[str]:
    bases = list(dict.fromkeys(_base(report) for report in reports))
    rows: dict[str, dict[tuple[str, str], int]] = {}
    for at, report in enumerate(reports):
        rows.setdefault(report.adapter, {})[_base(report)] = at
    left = len(reports) - len(full)
    more = f"; the {len(full)} best pairs are told in full below, {left:,} are not" if left else ""
    yield f'<div class="scroll"><table>\n<caption>Verdicts{more}</caption>\n<thead><tr><th scope="col">Adapter</th>'
    yield "".join(f'<th scope="col" title="{_text(short(digest))}">{_text(name)}</th>' for name, digest in bases)
    yield "</tr></thead>\n<tbody>"
    for adapter, places in rows.items():
        cells = "".join(_verdict(places.get(base), reports, full) for base in bases)
        yield f'<tr><th scope="row" class="name">{_text(adapter)}</th>{cells}</tr>'
    yield "</tbody>\n</table></div>"


def _verdict(at: int | None, reports: "Sequence[Report]", full: dict[int, None]) -> str:
    if at is None:
        return "<td></td>"
    report = reports[at]
    word = f'<a href="#pair-{at}">{report.verdict}</a>' if at in full else report.verdict
    about = f"{report.adapter} on {report.base.name}: {report.matched} of {_size(report)} modules fit"
    return f'<td class="{report.verdict}" title="{_text(about)}">{word}</td>'


def _size(report: "Report") -> int:
    return report.matched + len(report.missing) + len(report.mismatched)


def _pair(at: int, report: "Report") -> Iterator[str]:
    badge = f'<span class="badge {report.verdict}">{report.verdict}</span>'
    yield f'<section id="pair-{at}">\n<h2>{_text(report.adapter)} on {_text(report.base.name)} {badge}</h2>'
    yield f"<p>{VERDICTS[report.verdict].capitalize()}: {report.matched} of {count(_size(report), 'module')} fit.</p>"
    said = [f"evidence: {report.evidence}", *([f"names: {report.naming}"] if report.naming != "identity" else ())]
    digests = [
        ("adapter", report.digest),
        ("layout", report.base.layout_digest),
        ("weights", report.base.weights_digest),
    ]
    said += [f"{word} <code>{_text(short(digest))}</code>" for word, digest in digests if digest]
    yield f'<p class="faint">{" · ".join(said)}</p>'
    yield from _modules(report)
    if report.unexpected:
        names = ", ".join(f"<code>{_text(name)}</code>" for name in brief(report.unexpected))
        yield f"<p>It brings what the base has not: {names}</p>"
    yield from _findings(report)
    yield "</section>"


def _modules(report: "Report") -> Iterator[str]:
    """A row for each kind of module, a column for each layer; a cell says what became of the module, or its numbers."""
    drifted = frozenset(report.drifted)
    states = {module: "drifted" if module in drifted else "fits" for module in report.fits}
    states |= {wrong.module: "shape" for wrong in report.mismatched} | dict.fromkeys(report.missing, "missing")
    if not states:
        return
    wrong = {one.module: f": {by(one.adapter)}, the base has {by(one.base)}" for one in report.mismatched}
    told = {module: f"{module} {STATES[state][1]}{wrong.get(module, '')}" for module, state in states.items()}
    yield '<ul class="legend">'
    for state, (sign, about) in STATES.items():
        if state in states.values():
            yield f'<li><span class="badge {state}">{sign}</span> {about}</li>'
    yield "</ul>"
    cells = {
        module: f'<td class="{state}" title="{_text(told[module])}">{STATES[state][0]}</td>'
        for module, state in states.items()
    }
    yield from _grid("What became of each module, by layer", cells)
    if report.deep is not None and (measured := report.deep.modules):
        yield from _measured(measured)


def _measured(measured: "Sequence[Measured]") -> Iterator[str]:
    """How large each update is beside its weight, or by itself where the weight was not read."""
    relative = any(one.relative_norm is not None for one in measured)
    values = {one.module: one.relative_norm if relative else one.norm for one in measured}
    largest = max((value for value in values.values() if value is not None and isfinite(value)), default=0.0)
    cells = {}
    for one in measured:
        value = values[one.module]
        about = f"{one.module}: {_numbers(one)}"
        part = round(90 * value / largest) if value is not None and isfinite(value) and largest > 0 else 0
        style = f"background: color-mix(in srgb, var(--heat) {part}%, transparent)"
        cells[one.module] = f'<td style="{style}" title="{_text(about)}">{_number(value)}</td>'
    yield from _grid("‖ΔW‖ / ‖W‖, stronger is larger" if relative else "‖ΔW‖, stronger is larger", cells)


def _numbers(one: "Measured") -> str:
    named = {"‖ΔW‖ / ‖W‖": one.relative_norm, "‖ΔW‖": one.norm, "rank": one.rank, "effective rank": one.effective_rank}
    return ", ".join(f"{name} {_number(value)}" for name, value in named.items() if value is not None)


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.2g}" if isinstance(value, float) else str(value)


def _grid(caption: str, cells: dict[str, str]) -> Iterator[str]:
    """Cells by kind of module and layer; what lies in no layer has a column of its own."""
    rows: dict[str, dict[int, str]] = {}
    for module, cell in cells.items():
        found = LAYER.search(module)
        kind = f"{module[: found.start()]}#{module[found.end() :]}" if found else module
        rows.setdefault(kind, {})[int(found[0]) if found else -1] = cell
    layers = sorted({layer for row in rows.values() for layer in row})
    heads = "".join(f'<th scope="col" class="layer">{layer if layer >= 0 else "—"}</th>' for layer in layers)
    yield f'<div class="scroll"><table class="cells">\n<caption>{caption}</caption>'
    yield f'<thead><tr><th scope="col">Module</th>{heads}</tr></thead>\n<tbody>'
    for kind, row in rows.items():
        told = "".join(row.get(layer, '<td class="gone"></td>') for layer in layers)
        yield f'<tr><th scope="row">{_text(kind)}</th>{told}</tr>'
    yield "</tbody>\n</table></div>"


def _findings(report: "Report") -> Iterator[str]:
    if not report.findings:
        yield '<p class="faint">Nothing was found.</p>'
        return
    yield '<div class="scroll"><table>\n<caption>What was found</caption>\n<thead><tr>'
    yield "".join(f'<th scope="col">{word}</th>' for word in ("Severity", "Check", "Where", "What, and what to do"))
    yield "</tr></thead>\n<tbody>"
    for one in sorted(together(report.findings), key=lambda one: SEVERITIES.index(one.severity)):
        remedy = f'<br><span class="remedy">→ {_text(one.remedy)}</span>' if one.remedy else ""
        yield f'<tr><td class="{one.severity}">{one.severity}</td><td>{_text(one.check)}</td>'
        yield f"<td><code>{_text(one.place)}</code></td><td>{_text(one.message)}{remedy}</td></tr>"
    yield "</tbody>\n</table></div>"
