"""Moving an alias on a Hub: in one step where it is ours, else by taking the tag away and setting it again."""

from contextlib import suppress
from urllib.parse import quote

from adapterhub.errors import Conflict
from adapterhub.protocols.hf_hub.client import TIMEOUT, Client
from adapterhub.protocols.hf_hub.faults import Taken
from adapterhub.protocols.hf_hub.layout import alias_tag
from adapterhub.reference import Reference
from adapterhub.remotes.hub_book import Version, read_book
from adapterhub.remotes.hub_find import Finder

__all__ = ["point"]

TRIES = 20
"""How often another writer may be faster."""


def point(finder: Finder, reference: Reference, alias: str, expect: str | None) -> None:
    """Let an alias mean a version; `Conflict` when it does not mean `expect` now. See decision 0032.

    Who expects nothing in particular looks again when somebody else was faster.
    """
    for left in reversed(range(TRIES)):
        try:
            _once(finder, reference, alias, expect)
        except Taken:
            if not left:
                raise
        else:
            return


def _once(finder: Finder, reference: Reference, alias: str, expect: str | None) -> None:
    """One try; `Taken` where somebody else moved it meanwhile."""
    book = read_book(finder.client, str(reference.name))
    version, name = finder.version(book, reference), reference.name
    if book.version(alias):
        raise Conflict(f"{name}: {alias!r} is a version, so it cannot be an alias", hint="choose another word")
    meant = next((one for one in book.versions if alias in one.aliases), None)
    label = (meant.label if meant else "") or ""
    if expect is not None and label != expect:
        raise Conflict(
            f"{name}: the alias {alias} means {label or 'nothing'}, not {expect or 'nothing'}",
            hint="somebody moved it meanwhile: look again, then decide",
        )
    if meant == version:
        return
    if book.ours:
        _swap(finder.client, book.repo, alias_tag(alias), version, label)
    else:
        _reset(finder.client, book.repo, alias_tag(alias), version)


def _swap(client: Client, repo: str, tag: str, version: Version, label: str) -> None:
    """Let a tag of ours mean a version, if it means `label` until then ("" for nothing): one request."""
    from huggingface_hub.utils import get_session, hf_raise_for_status

    url = f"{client.endpoint}/api/models/{repo}/tag/{quote(version.label or version.commit, safe='')}"
    said = {"tag": tag, "expect": label}
    with client.asking(client.place(repo, tag)):
        hf_raise_for_status(get_session().post(url, headers=client.headers(), json=said, timeout=TIMEOUT))


def _reset(client: Client, repo: str, tag: str, version: Version) -> None:
    """Let a tag mean a version where none can be moved: it goes and comes again."""
    revision = version.label or version.commit
    with client.asking(client.place(repo, tag)):
        with suppress(Taken), client.asking(client.place(repo, tag)):
            client.api.create_tag(repo, tag=tag, revision=revision)
            return
        client.api.delete_tag(repo, tag=tag)
        client.api.create_tag(repo, tag=tag, revision=revision)
