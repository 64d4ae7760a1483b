"""`scan`: what lies below a path, without copying anything; and adding it all."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from adapterhub.document import Document
from adapterhub.errors import AdapterHubError, WrongUsage
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats.intake import find, take
from adapterhub.manifest import Manifest
from adapterhub.system import from_system
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.desk import Contents, Desk, contents
from adapterhub.verbs.look import manifest_of

__all__ = ["FIELDS", "TEMPLATE", "Scanned", "check_template", "name_for", "scan", "scan_add"]

TEMPLATE = "{parent}/{folder}"
FIELDS = ("folder", "parent", "grandparent")
"""What a template may hold: the last words of a place's path, from the right."""


class Scanned(Document):
    """An adapter that was found: where, what it is, whether it is well, and where else the same bytes lie.

    `reference` is what it was added as, or what this store calls it already. `code` is 0, or the exit code of the
    error for which it cannot be added.
    """

    path: str
    digest: str = ""
    facts: Facts
    bytes: int = 0
    health: str = "ok"
    duplicates: tuple[str, ...] = ()
    reference: str = ""
    code: int = 0
    findings: tuple[Finding, ...] = ()


def scan(desk: Desk, paths: Iterable[Path], progress: Callable[[str], None] = lambda _: None) -> list[Scanned]:
    """Every adapter below the paths, by path. What is broken or cannot be read is listed with its reason."""
    shut: list[OSError] = []
    places = (place for path in paths for place in find(_there(desk, path), shut.append))
    found = {_whole(place): place for place in places}  # a folder may be given twice, in two ways

    def one(place: Path) -> tuple[Scanned, Manifest | None]:
        progress(str(place))
        return _look(place)

    with ThreadPoolExecutor() as pool:
        looked = list(pool.map(one, found.values()))
    known = desk.names_of(manifest for _, manifest in looked if manifest)
    same: dict[str, list[str]] = defaultdict(list)
    for item, _ in sorted(looked, key=lambda pair: pair[0].path):
        same[item.digest].append(item.path)
    rows = [_placed(item, manifest, known, same) for item, manifest in looked]
    unread = {_whole(error.filename): error for error in shut}
    rows += [_broken(_unknown(error.filename), error, "unreadable") for error in unread.values()]
    return sorted(rows, key=lambda row: row.path)


def _placed(
    item: Scanned, manifest: Manifest | None, known: Mapping[Contents, tuple[str, ...]], same: Mapping[str, list[str]]
) -> Scanned:
    """The same, with what the store calls it and where else it lies."""
    if manifest is None:
        return item
    names = known.get(contents(manifest), ())
    others = tuple(path for path in same[item.digest] if path != item.path)
    return item.model_copy(update={"duplicates": others, "reference": names[-1] if names else ""})


def _there(desk: Desk, path: Path) -> Path:
    return desk.folder(str(path))


def _whole(path: str | Path) -> Path:
    """The path from the root, without dots; links stay what they are called."""
    return Path(os.path.normpath(Path(path).absolute()))


def _unknown(path: str | Path) -> Scanned:
    return Scanned(path=str(path), facts=Facts(format="?"))


def _look(place: Path) -> tuple[Scanned, Manifest | None]:
    try:
        with closing(take(place)) as intake:
            manifest, facts = manifest_of(intake), intake.facts
    except (AdapterHubError, OSError) as error:
        return _broken(_unknown(place), error), None
    looked = Scanned(
        path=str(place),
        digest=str(manifest.digest),
        facts=facts,
        bytes=manifest.size,
        health=facts.health,
        findings=facts.findings,
    )
    return looked, manifest


def _broken(item: Scanned, error: AdapterHubError | OSError, check: str = "cannot-be-added") -> Scanned:
    """What cannot be added, with the reason."""
    why = from_system(error) if isinstance(error, OSError) else error
    place = "" if item.path in str(why) else Path(item.path).name
    finding = Finding(check=check, severity="error", place=place, message=str(why), remedy=why.hint)
    found = (*item.findings, finding)
    facts = item.facts.model_copy(update={"findings": found})
    return item.model_copy(update={"health": check, "findings": found, "facts": facts, "code": why.code})


def scan_add(desk: Desk, found: Iterable[Scanned], template: str = TEMPLATE) -> Iterator[Scanned]:
    """Add what was found and can be added, each under a name made from its place; the same bytes once per name.

    What this store has already is left as it is. One that fails is told as a finding and stops nobody else.
    """
    check_template(desk, template)
    others: dict[str, Scanned] = {}
    for item in found:
        if not item.digest or item.reference:
            yield item
            continue
        try:
            name = name_for(Path(item.path), template)
            added = item.model_copy(update={"reference": add(desk, Path(item.path), name, Request()).reference})
        except (AdapterHubError, OSError) as error:
            yield _broken(item, error)
            continue
        other = others.setdefault(name, item)
        yield added if other.digest == item.digest else _namesake(added, other)


def _namesake(item: Scanned, other: Scanned) -> Scanned:
    """The second of two adapters that a template gives one name, so that they become versions of it."""
    finding = Finding(
        check="same-name",
        severity="info",
        place=Path(item.path).name,
        message=f"same name as {other.path}, but other bytes: it became a version, {item.reference}",
        remedy="a template with {parent} or {grandparent} tells such places apart",
    )
    return item.model_copy(update={"findings": (*item.findings, finding)})


def check_template(desk: Desk, template: str) -> None:
    """`WrongUsage` or `BadReference` for a template that makes no name of any place; nothing is read for it."""
    allowed = ", ".join(f"{{{field}}}" for field in FIELDS)
    hint = f"a template is a name that may hold {allowed}: --name 'ada/{{folder}}'"
    if left := re.search(r"\{[^{}]*\}?|\}", _filled(template, dict.fromkeys(FIELDS, ""))):
        raise WrongUsage(f"the template {template!r} holds {left[0]!r}; only {allowed} are replaced", hint=hint)
    try:
        desk.target(_filled(template, dict.fromkeys(FIELDS, "1")))
    except AdapterHubError as error:
        raise type(error)(f"the template {template!r} makes no name: {error}", hint=hint) from None


def name_for(place: Path, template: str) -> str:
    """The name a template gives a place: `{folder}`, `{parent}` and `{grandparent}` are words of its path.

    >>> name_for(Path("/runs/My runs/sql v2"), "{parent}/{folder}")
    'My-runs/sql-v2'
    """
    whole = _whole(place)
    words = (whole.stem if whole.is_file() else whole.name, *(parent.name for parent in whole.parents), "", "")
    return _filled(template, {field: _word(word) for field, word in zip(FIELDS, words, strict=False)})


def _filled(template: str, words: Mapping[str, str]) -> str:
    """The template with its fields replaced, and nothing else interpreted."""
    return re.sub(r"\{(\w+)\}", lambda field: words.get(field[1], field[0]), template)


def _word(text: str) -> str:
    """The nearest word a name can have."""
    word = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._-]+|\.{2,}", "-", text)).strip("-._")
    return word[:96] or "unnamed"
