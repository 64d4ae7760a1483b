"""Tokens go where they belong and nowhere else."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub.utils import logging as hub_logging

from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub.client import client_of, quiet, usual


@pytest.fixture(autouse=True)
def logged_in(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who ran `hf auth login`, and has a token for a server of ours."""
    path = tmp_path / "token"
    path.write_text("hf_login")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(path))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setenv("ADAPTERHUB_TOKEN", "ah_mine")


@pytest.mark.parametrize(
    ("url", "endpoint", "token"),
    [
        ("hub+http://team:8000", None, "ah_mine"),
        ("hub+https://team.example/hub/", None, "ah_mine"),
        ("hub+https://huggingface.co", None, "hf_login"),
        ("hub+https://HuggingFace.co", None, "hf_login"),
        ("hub+https://huggingface.co:443", None, "hf_login"),
        ("hub+https://huggingface.co./", None, "hf_login"),
        ("hub+https://huggingface.co:8443", None, ""),
        ("hub+http://huggingface.co", None, ""),
        ("hub+http://mirror:1", "http://mirror:1/", "ah_mine"),
        ("hub+http://Mirror:80", "http://mirror", "ah_mine"),
        ("hub+https://huggingface.co", "http://mirror:1", ""),
        ("hub+https://HUGGINGFACE.co:443", "http://mirror:1", ""),
    ],
)
def test_each_hub_gets_its_own_token(monkeypatch, url: str, endpoint: str | None, token: str) -> None:
    if endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert client_of(url).token == token
    assert token not in repr(client_of(url)) or not token


def test_without_a_token_of_its_own_a_server_is_asked_without_one(monkeypatch) -> None:
    monkeypatch.setenv("ADAPTERHUB_TOKEN", " ")
    monkeypatch.setenv("HF_TOKEN", "hf_env")
    assert client_of("hub+http://team:8000").token == ""
    assert "authorization" not in client_of("hub+http://team:8000").headers()
    assert usual().token == "hf_env"


@pytest.mark.parametrize(
    ("endpoint", "got", "proposed"),
    [
        ("localhost:8777", "'localhost:8777'", "HF_ENDPOINT=http://localhost:8777,"),
        ("hub+http://team:1", "'hub+http://team:1'", "HF_ENDPOINT=http://team:1,"),
        ("https://", "'https://'", "HF_ENDPOINT=http://host,"),
        ("http://[::1", "'http://[::1'", ""),
        ("https://me:secret@team", "'…@team'", "HF_ENDPOINT=http://team,"),
    ],
)
def test_an_endpoint_that_is_no_address_is_named(monkeypatch, endpoint: str, got: str, proposed: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(WrongUsage) as refusal:
        usual()
    assert str(refusal.value).startswith(f"HF_ENDPOINT is {got}, wanted https://host")
    assert proposed in refusal.value.hint
    assert "secret" not in f"{refusal.value}{refusal.value.hint}"
    assert client_of("hub+http://team:8000").token == "ah_mine"  # nobody asked for the usual Hub


def test_a_token_that_must_not_be_sent_unasked_is_not(monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    assert usual().token == ""


class Teller(BaseHTTPRequestHandler):
    """Remembers what it was told, and sends elsewhere if there is an elsewhere."""

    heard: list[str | None]
    elsewhere: str

    def do_GET(self) -> None:
        self.heard.append(self.headers.get("Authorization"))
        self.send_response(302 if self.elsewhere else 200)
        if self.elsewhere:
            self.send_header("Location", self.elsewhere)
        self.send_header("Content-Length", "0" if self.elsewhere else "5")
        self.end_headers()
        self.wfile.write(b"" if self.elsewhere else b"bytes")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def telling(elsewhere: str = "") -> Iterator[tuple[str, list[str | None]]]:
    heard: list[str | None] = []
    handler = type("Bound", (Teller,), {"heard": heard, "elsewhere": elsewhere})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.server_port}", heard
        finally:
            listener.shutdown()
            thread.join()


def test_a_token_does_not_follow_to_another_host() -> None:
    with telling() as (far, there), telling(f"{far}/file") as (near, here):
        reader = client_of(f"hub+{near}").reader("ada/poet", "main")
        assert reader.read("file") == b"bytes"
    assert here == ["Bearer ah_mine"]
    assert there == [None]


def test_huggingface_hub_is_quiet_for_a_while_only() -> None:
    before = hub_logging.get_verbosity()
    with quiet():
        assert hub_logging.get_verbosity() == logging.ERROR
    assert hub_logging.get_verbosity() == before
