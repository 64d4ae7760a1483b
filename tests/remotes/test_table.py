"""Which URL is which kind of registry."""

from pathlib import Path

import pytest

from adapterhub.errors import BadReference, NotFound, Unreachable
from adapterhub.remotes.table import SCHEMES, check_url, open_remote
from tests.builders import POET, entry


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "no scheme"),
        ("/srv/adapters", "no scheme"),
        ("localhost:8000", "no scheme"),
        ("ftp://host/x", "ftp is no scheme of one"),
        ("file://srv/adapters", "cannot use"),
        ("file:srv", "cannot use"),
        ("http:///x", "it names no host"),
        ("http://:80/x", "it names no host"),
        ("http://host:99999/", "Port out of range"),
        ("http://host:x/", "Port could not be cast"),
        ("http://[::1/", "Invalid IPv6 URL"),
    ],
)
def test_a_url_that_is_no_remote_says_what_one_is(url: str, why: str) -> None:
    with pytest.raises(BadReference, match=why) as refusal:
        check_url(url)
    assert repr(url) in str(refusal.value)
    assert "://" in refusal.value.hint or "slashes" in refusal.value.hint


@pytest.mark.parametrize(
    "url", ["file:///srv/adapters", "http://host/x", "https://host:8443/x", "http://host/to=a@b", "http://[::1]:80"]
)
def test_a_url_that_is_one_is_kept(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url", ["https://ada:secret@host/x", "http://ada@host", "ada:secret@host:80", "file://ada:secret@host:x/y"]
)
def test_a_url_with_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadReference, match=r"@host.* as a remote: it holds a name") as refusal:
        check_url(url)
    assert "secret" not in f"{refusal.value} {refusal.value.hint}"


def test_an_address_without_a_scheme_is_told_what_a_servers_would_be() -> None:
    with pytest.raises(BadReference) as refusal:
        check_url("localhost:8000")
    assert "hub+http://localhost:8000," in refusal.value.hint


def test_every_scheme_is_explained() -> None:
    assert all(f"{scheme}://" in about for scheme, about in SCHEMES.items())


def test_a_folder_that_is_no_registry_is_not_found_by_readers_and_made_by_writers(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/shared"
    with pytest.raises(NotFound, match=r"no registry there \(registry\.json is missing\)") as refusal:
        open_remote(url)
    assert "the first push creates it" in refusal.value.hint
    assert not (tmp_path / "shared").exists()
    open_remote(url, user="ada", write=True).publish(entry(), POET)
    assert next(iter(open_remote(url, offline=True).list())).by == "ada"


def test_offline_means_that_no_web_site_is_asked() -> None:
    with pytest.raises(Unreachable, match=r"http://host: not asked, since --offline was given"):
        open_remote("http://host", offline=True)
