"""Which URL scheme is which kind of registry. A new kind is one file and a line or two here."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from adapterhub.errors import BadReference, NotFound, Unreachable
from adapterhub.reference import home_path, is_folder
from adapterhub.registry import Registry

__all__ = ["BUCKETS", "SCHEMES", "check_url", "open_remote", "url_of"]

SCHEMES = {
    "file": "a folder on this machine or a mounted one: file:///srv/adapters",
    "http": "a static web site, read only: http://host/path",
    "https": "a static web site, read only: https://host/path",
    "hub+http": "a Hub, as `adapterhub serve` is one: hub+http://host[:port]",
    "hub+https": "a Hub, as `adapterhub serve` is one: hub+https://host",
    "s3": "a bucket: s3://bucket/prefix, on the server that AWS_ENDPOINT_URL names, else Amazon's",
    "gs": "a bucket of Google Cloud Storage: gs://bucket/prefix",
    "az": "a container of Azure Blob Storage: az://container/prefix",
}

BUCKETS = ("s3", "gs", "az")
"""The schemes whose servers are asked, when a remote gets a name, what may be done there."""

HUBS = ("hub+http", "hub+https")


def url_of(word: str) -> str:
    """The URL a word means: a folder's, or the word itself."""
    return home_path(word).absolute().as_uri() if is_folder(word) else word


def check_url(url: str) -> str:
    """The same URL if its scheme is one we know and it holds no password; else `BadReference`."""
    _refuse_password(url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadReference(f"cannot use {url!r} as a remote: {error}", hint="write scheme://host[:port]/path") from None
    if parts.query or parts.fragment or "#" in url or "?" in url or "%00" in url:
        raise BadReference(
            f"cannot use {url!r} as a remote: it has more than a path",
            hint="leave out what follows ? or #; in the name of a folder write %3F and %23, or give the folder itself",
        )
    if "://" not in url and parts.scheme not in SCHEMES:
        raise BadReference(
            f"cannot use {url!r} as a remote: no scheme",
            hint=f"a server (`adapterhub serve`) is hub+http://{url}, or hub+https://…; a folder begins with / or ./; "
            f"other remotes begin with {', '.join(SCHEMES)}",
        )
    if parts.scheme not in SCHEMES:
        raise BadReference(
            f"cannot use {url!r} as a remote: {parts.scheme} is no scheme of one",
            hint=f"a remote is {'; '.join(dict.fromkeys(SCHEMES.values()))}",
        )
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise BadReference(
            f"cannot use {url!r} as a remote", hint="write three slashes and a whole path: file:///srv/adapters"
        )
    if parts.scheme != "file" and not parts.hostname:
        raise BadReference(f"cannot use {url!r} as a remote: it names no host", hint=SCHEMES[parts.scheme])
    return url


def _refuse_password(url: str) -> None:
    """Remotes are remembered in a file that others may read, and printed; so this does not print the URL either."""
    scheme, _, rest = (url if "://" in url else f"https://{url}").partition("://")
    login, at, place = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    if at:
        what = "a name and a password" if ":" in login else "a name"
        raise BadReference(
            f"cannot use {scheme}://…@{place} as a remote: it holds {what}",
            hint=f"write {scheme}://{place}/… without them; a remote's URL is remembered and shown in the clear",
        )


def open_remote(url: str, *, user: str = "", write: bool = False, offline: bool = False) -> Registry:
    """The registry behind a URL. `user` is the name its events will carry; `write` says that it may be created."""
    scheme = urlsplit(check_url(url)).scheme
    if scheme == "file":
        return _folder(url, user, write)
    if scheme in HUBS:
        from adapterhub.remotes.hub import connect

        return connect(url, write=write, offline=offline)
    if offline:
        raise Unreachable(
            f"{url}: not asked, since --offline was given", hint="leave --offline out, or use a file:// remote"
        )
    if scheme in BUCKETS:
        from adapterhub.remotes.bucket import Bucket

        return Bucket(url, user)
    from adapterhub.remotes.site import Site

    return Site(url)


def _folder(url: str, user: str, write: bool) -> Registry:
    from adapterhub.store.store import Store

    store = Store(Path(unquote(urlsplit(url).path)), user, local=False)
    if not write and not store.exists():
        raise NotFound(
            f"{url}: no registry there (registry.json is missing)",
            hint="the first push creates it; is the path right, and is the disk mounted?",
        )
    return store
