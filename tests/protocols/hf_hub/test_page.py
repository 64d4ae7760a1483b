"""Addresses out of a browser."""

import pytest

from adapterhub.errors import BadReference, WrongUsage
from adapterhub.protocols.hf_hub.page import address_of, is_page

HOME = "https://huggingface.co"


@pytest.mark.parametrize(
    ("page", "word"),
    [
        (f"{HOME}/org/poet", "hf:org/poet"),
        (f"{HOME}/org/poet/", "hf:org/poet"),
        (f"{HOME}/org/poet?library=peft#use", "hf:org/poet"),
        ("https://HuggingFace.co:443/org/poet/tree/main", "hf:org/poet@main"),
        ("https://hf.co/org/poet", "hf:org/poet"),
        ("hub+https://huggingface.co/org/poet", "hf:org/poet"),
        (f"{HOME}/org/poet/tree/v1.2/sub/folder", "hf:org/poet@v1.2#sub/folder"),
        (f"{HOME}/org/poet/tree/feature%2Fx", "hf:org/poet@feature/x"),
        (f"{HOME}/org/poet/blob/main/poet.safetensors?download=true", "hf:org/poet@main#poet.safetensors"),
        (f"{HOME}/org/poet/resolve/main/poet.safetensors", "hf:org/poet@main#poet.safetensors"),
        (f"{HOME}/org/poet/commit/{'a' * 40}", f"hf:org/poet@{'a' * 40}"),
        (f"{HOME}/org/poet/discussions/3", None),
        (f"{HOME}/org", None),
        (f"{HOME}/datasets/org/rows", None),
        (f"{HOME}/spaces/org/demo/tree/main", None),
        (f"{HOME}/org/poet/tree/main/a/../../b", None),
        ("https://", None),
        ("https://[", None),
    ],
)
def test_a_page_is_the_place_it_shows_or_refused_with_the_word_for_it(monkeypatch, page, word):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert is_page(page)
    if word:
        assert str(address_of(page)) == word
    else:
        with pytest.raises((BadReference, WrongUsage)) as refusal:
            address_of(page)
        assert "hf:" in refusal.value.hint


def test_a_page_of_another_server_is_told_how_to_ask_that(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror:8000/hub")
    assert str(address_of("http://mirror:8000/hub/ada/poet/tree/1")) == "hf:ada/poet@1"
    for scheme in ("https", "hub+https"):
        with pytest.raises(WrongUsage, match="another server") as refusal:
            address_of(f"{scheme}://team.example/hub/ada/poet/tree/1")
        assert refusal.value.hint == "adapterhub pull ada/poet@1 --from hub+https://team.example/hub"
    with pytest.raises(WrongUsage):
        address_of(f"{HOME}/ada/poet")


def test_a_name_is_no_page():
    assert not is_page("ada/poet")
    assert not is_page("hf:ada/poet")
