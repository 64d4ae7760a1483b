"""`scan`: what lies below a path, without copying anything; and adding it all."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from adapterhub.document import Document
from adapterhub.errors import AdapterHubError, BadReference, WrongUsage
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats.intake import find, take
from adapterhub.manifest import Manifest
from adapterhub.reference import parse
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.desk import Contents, Desk, contents
from adapterhub.verbs.look import manifest_of

__all__ = ["TEMPLATE", "Scanned", "scan", "scan_add"]

TEMPLATE = "{parent}/{folder}"


class Scanned(Document):
    """An adapter that was found: where, what it is, whether it is well, and where else the same bytes lie.

    `reference` is what it was added as, or what this store calls it already.
    """

    path: str
    digest: str = ""
    facts: Facts
    bytes: int = 0
    health: str = "ok"
    duplicates: tuple[str, ...] = ()
    reference: str = ""
    findings: tuple[Finding, ...] = ()


def scan(desk: Desk, paths: Iterable[Path], progress: Callable[[str], None] = lambda _: None) -> list[Scanned]:
    """Every adapter below the paths, by path. What is broken is listed with its reason as a finding."""
    found = sorted({place for path in paths for place in find(_there(desk, path))})

    def one(place: Path) -> tuple[Scanned, Manifest | None]:
        progress(str(place))
        return _look(place)

    with ThreadPoolExecutor() as pool:
        looked = list(pool.map(one, found))
    known = desk.names_of(manifest for _, manifest in looked if manifest)
    same: dict[str, list[str]] = defaultdict(list)
    for item, _ in looked:
        same[item.digest].append(item.path)
    return [_placed(item, manifest, known, same) for item, manifest in looked]


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


def _look(place: Path) -> tuple[Scanned, Manifest | None]:
    try:
        with closing(take(place)) as intake:
            manifest, facts = manifest_of(intake), intake.facts
    except (AdapterHubError, OSError) as error:
        return _broken(Scanned(path=str(place), facts=Facts(format="?")), error), None
    looked = Scanned(
        path=str(place),
        digest=str(manifest.digest),
        facts=facts,
        bytes=manifest.size,
        health=facts.health,
        findings=facts.findings,
    )
    return looked, manifest


def _broken(item: Scanned, error: Exception) -> Scanned:
    """What cannot be added, with the reason."""
    finding = Finding(
        check="cannot-be-added",
        severity="error",
        place=Path(item.path).name,
        message=str(error),
        remedy=error.hint if isinstance(error, AdapterHubError) else "",
    )
    found = (*item.findings, finding)
    facts = item.facts.model_copy(update={"findings": found})
    return item.model_copy(update={"health": finding.check, "findings": found, "facts": facts})


def scan_add(desk: Desk, found: Iterable[Scanned], template: str = TEMPLATE) -> Iterator[Scanned]:
    """Add what was found and can be added, each under a name made from its place; the same bytes once per name.

    What this store has already is left as it is. One that fails is told as a finding and stops nobody else.
    """
    named = [(item, name_for(Path(item.path), template)) for item in found if item.digest]
    others: dict[str, Scanned] = {}
    for item, name in named:
        if item.reference:
            yield item
            continue
        try:
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


def name_for(place: Path, template: str) -> str:
    """The name a template gives a place: `{folder}`, `{parent}` and `{grandparent}` are words of its path.

    >>> name_for(Path("/runs/My runs/sql v2"), "{parent}/{folder}")
    'My-runs/sql-v2'
    """
    whole = place.absolute()
    words = (whole.stem if whole.is_file() else whole.name, *(parent.name for parent in whole.parents), "", "")
    parts = {"folder": words[0], "parent": words[1], "grandparent": words[2]}
    try:
        name = template.format(**{key: _word(value) for key, value in parts.items()})
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise WrongUsage(
            f"cannot read the template {template!r}: {type(error).__name__} {error}",
            hint="a template holds {folder}, {parent} and {grandparent}: --name 'ada/{folder}'",
        ) from None
    try:
        return str(parse(name))
    except BadReference as error:
        raise BadReference(f"{place}: {template!r} makes no name of it: {error}", hint=error.hint) from None


def _word(text: str) -> str:
    """The nearest word a name can have."""
    word = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._-]+|\.{2,}", "-", text)).strip("-._")
    return word[:96] or "unnamed"
