"""Signed links: for one purpose, with these facts, until they end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Corrupt, Refused
from adapterhub.protocols.hf_hub.answers import AccessDenied
from adapterhub.server.links import Links
from adapterhub.store.store import Store

FACTS = {"repo": "ada/poet", "size": 3}
LINKS = Links(b"k" * 32)


def test_a_link_says_what_was_signed():
    assert LINKS.read("put", LINKS.sign("put", FACTS, 60)) == FACTS


def test_a_link_of_another_purpose_or_another_secret_is_refused():
    link = LINKS.sign("put", FACTS, 60)
    for links, purpose in ((LINKS, "get"), (LINKS, ""), (Links(b"x" * 32), "put")):
        with pytest.raises(AccessDenied, match="none of this server's"):
            links.read(purpose, link)


def test_a_link_that_ended_is_refused():
    with pytest.raises(AccessDenied, match="ended"):
        LINKS.read("put", LINKS.sign("put", FACTS, -1))


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_no_text_is_taken_for_a_link(text):
    with pytest.raises(AccessDenied):
        LINKS.read("put", text)


@given(st.data())
def test_a_link_with_any_letter_changed_says_the_same_or_nothing(data):
    link = LINKS.sign("put", FACTS, 60)
    at = data.draw(st.integers(0, len(link) - 1))
    other = link[:at] + data.draw(st.sampled_from("Aaz09-_.= ")) + link[at + 1 :]
    try:
        assert LINKS.read("put", other) == FACTS
    except AccessDenied:
        assert other != link


def test_the_secret_of_a_store_is_its_owners_alone_and_stays(tmp_path):
    store = Store(tmp_path / "store")
    link = Links.of(store).sign("put", FACTS, 60)
    path = store.root / ".server-key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert Links.of(Store(store.root)).read("put", link) == FACTS
    path.chmod(0o644)
    with pytest.raises(Refused, match="others may read"):
        Links.of(store)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(Corrupt, match="5 bytes"):
        Links.of(store)


def test_a_secret_is_never_shown():
    assert "k" * 8 not in repr(LINKS)
