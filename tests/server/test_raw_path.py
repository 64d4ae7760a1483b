"""Paths as they were sent."""

import socket

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from adapterhub.errors import BadReference
from adapterhub.reference import parse
from adapterhub.server import errors
from adapterhub.server.raw_path import FilePath, RawPath, Segment, decoded
from tests.builders import entry


@pytest.fixture
def client():
    app = FastAPI(redirect_slashes=False)
    errors.install(app)

    @app.get("/tree/{revision}")
    @app.get("/tree/{revision}/{path:path}")
    def tree(revision: Segment, path: FilePath = "x") -> list[str]:
        return [revision, path]

    return TestClient(RawPath(app), raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/tree/main", ["main", "x"]),
        ("/tree/main/", ["main", "x"]),
        ("/tree/refs%2Fpr%2F1/a/b", ["refs/pr/1", "a/b"]),
        ("/tree/v%201/a%2Fb%20c", ["v 1", "a/b c"]),
        ("/tree/%25252e%25252e/a", ["%252e%252e", "a"]),
        ("/tree/%252e%252e/a", ["%2e%2e", "a"]),
        ("/tree/%C3%A4/%E2%82%AC", ["ä", "€"]),
    ],
)
def test_a_slash_in_a_segment_stays_there_and_each_is_decoded_once(client, path, said):
    assert client.get(path).json() == said


BAD = [
    "/../etc/passwd", "/tree/..", "/tree/%2e%2e", "/tree/.%2e/x", "/tree/main/..%2f..%2fetc", "/tree/main/%2Fetc",
    "/tree/main//etc", "/tree/a%00b", "/tree/a%5Cb", "/tree/main/..%5c..", "/tree/%ff", "/tree/a%0d%0ab",
    "/tree/main/./x", "/tree/a%e2%80%aeb", "//tree/main", "/tree/" + "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("path", BAD)
def test_what_leads_out_or_is_no_text_comes_to_no_route(standing, path):
    host, port = "127.0.0.1", int(standing.url.rpartition(":")[2])
    with socket.create_connection((host, port)) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
    assert answer.split(b" ")[1] in (b"400", b"404")
    assert b'{"error"' in answer


def test_what_is_decoded_never_leads_out():
    for raw in ("a/%2e%2e/b", "%2e", "a%2f..", "..%5cx", "%00"):
        with pytest.raises(BadReference):
            decoded(raw)
    assert decoded("%252e%252e") == "%2e%2e"


def test_a_request_as_to_a_proxy_is_answered_and_its_address_counts(standing):
    standing.hub.desk.store.publish(entry(1), parse("ada/poet"))
    host, port = "127.0.0.1", int(standing.url.rpartition(":")[2])
    head = f"Host: x\r\nAuthorization: Bearer {standing.token}\r\nConnection: close\r\n\r\n"
    for target, status, said in (
        ("http://hub.example/healthz", b"200", b'{"ok":true}'),
        ("HTTP://hub.example:80/api/models/ada/poet/xet-write-token/main?x=1", b"200", b"http://hub.example:80/cas/"),
        ("http://hub.example?q=poet", b"200", b"<html"),
        ("http://hub.example/../healthz", b"400", b'"error"'),
        ("http://ada:5ecret@hub.example/healthz", b"400", b'"error"'),
        ("ftp://hub.example/healthz", b"400", b'"error"'),
    ):
        with socket.create_connection((host, port)) as line:
            line.sendall(f"GET {target} HTTP/1.1\r\n{head}".encode())
            answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
        assert (answer.split(b" ")[1], said in answer) == (status, True), target
    assert "5ecret" not in standing.log.read_text()
    assert "/healthz" in {line.get("path") for line in standing.lines()}
