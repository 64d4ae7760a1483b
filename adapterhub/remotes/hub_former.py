"""Which files of a tree belong to the entry that lay there before, and to the one that comes no more: they go."""

from contextlib import suppress

from adapterhub.errors import AdapterHubError
from adapterhub.formats.chosen import chosen
from adapterhub.formats.members import Members
from adapterhub.manifest import Manifest

__all__ = ["outdated"]


def outdated(tree: Members, former: Manifest | None, manifest: Manifest, what: str) -> set[str]:
    """The paths that go; all others are a person's, and stay. `what` names the place.

    Without a manifest of the former entry it is looked for as a stranger's: tables and texts are none then.
    """
    files = {file.path for file in former.files} if former else set[str]()
    if former is None:
        with suppress(AdapterHubError):
            kind, taken = chosen(tree, what)
            files = set(taken) if kind != "data" else files
    return files.intersection(tree.names()) - {file.path for file in manifest.files}
