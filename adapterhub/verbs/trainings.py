"""How entries were trained: as their manifests say, else those of what they were made from."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.manifest import Manifest
from adapterhub.verbs.desk import Desk

__all__ = ["trainings"]


def trainings(desk: Desk, manifests: Iterable[Manifest]) -> Iterator[Mapping[str, Any]]:
    """What is said of the trainings of these, of their parents, and so on, nearest first; of those made here."""
    waiting = list(manifests)
    seen: set[str] = set()
    while waiting:
        manifest = waiting.pop(0)
        if manifest.training and "task" in manifest.training.get("config", {}):
            yield manifest.training
        for parent in manifest.parents:
            if parent.digest not in seen:
                seen.add(parent.digest)
                waiting += _known(desk, parent.digest)


def _known(desk: Desk, digest: str) -> list[Manifest]:
    """The manifest of an ancestor, where this store has it."""
    try:
        return [desk.store.manifest(Digest.parse(digest))]
    except AdapterHubError:
        return []
