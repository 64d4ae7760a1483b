"""A version that is asked for by its label and is taken: said before long work, and once more when it is named."""

from collections.abc import Iterator

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.finding import Finding
from adapterhub.reference import Reference
from adapterhub.registry import LabelTaken
from adapterhub.verbs.add import Request
from adapterhub.verbs.desk import Desk

__all__ = ["insist_on_free", "taken"]

LATE = "tuned"
"""The one field of a recipe that is known only when the work has begun: the digest of a checkpoint."""


def insist_on_free(desk: Desk, target: Reference, made: Request) -> None:
    """`LabelTaken` where what is made cannot become this version."""
    for finding in taken(desk, target, made):
        raise LabelTaken(f"{finding.place}: {finding.message}", hint=finding.remedy)


def taken(desk: Desk, target: Reference, made: Request) -> Iterator[Finding]:
    """An error where the label is taken. A version that was made in the same way may come out the same again."""
    if target.pin is None:
        return
    names = desk.store.names
    version, removed = names.version(target.name, target.pin), names.removed(target.name, target.pin)
    there = version or removed
    if target.pin in names.aliases(target.name):
        what = f"{target.pin} is an alias of {target.name}"
    elif there and not _alike(desk, there.digest, made):
        what = f"{target.pin} {'is there' if version else 'was removed, its label stays taken,'} and was made otherwise"
    else:
        return
    yield Finding(
        check="name-taken",
        severity="error",
        place=str(target),
        message=what,
        remedy="a version never changes: leave the label out, so that the next number is taken, or choose another",
    )


def _alike(desk: Desk, digest: Digest, made: Request) -> bool:
    """Whether an entry has the same parents, recipe and training; of one that cannot be read nobody knows."""
    try:
        manifest = desk.store.manifest(digest)
    except AdapterHubError:
        return True
    recipe = {key: value for key, value in (manifest.recipe or {}).items() if key != LATE}
    config = (manifest.training or {}).get("config") if made.training else None
    same = config == (made.training or {}).get("config")
    return same and recipe == (made.recipe or {}) and manifest.parents == made.parents
