"""Bodies that stop, are cut off, or lie about their length, on every route that takes an upload."""

import contextlib
import hashlib
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from adapterhub.digest import Digest
from adapterhub.reference import Name
from tests.protocols.xet.making import GOLDEN_NAME, GOLDEN_SHARD, GOLDEN_XORB, POEM
from tests.server.running import WAIT, running

NAME = Name("ada", "poet")
OBJECTS = "/ada/poet.git/info/lfs/objects"
DATA = b"weights!" * 500
OID = hashlib.sha256(DATA).hexdigest()
ASKED = {"oid": OID, "size": len(DATA)}
HEADER = {"key": "header", "value": {"summary": "x"}}
COMMIT = "\n".join(map(json.dumps, [HEADER, {"key": "file", "value": {"path": "x", "content": "x"}}])).encode()
PREUPLOAD = json.dumps({"files": [{"path": "x", "size": 1, "sample": ""}]}).encode()
ROUTES = ("part", "file", "xorb", "shard", "commit", "preupload", "batch")


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A server that waits for nobody, but for a busy machine; with an empty repository."""
    with running(tmp_path_factory.mktemp("hasty"), idle=2.0, part=3000) as server:
        server.hub.desk.store.history.create(NAME, private=True, by="admin")
        yield server


def uploading(hasty, *transfers):
    body = {"operation": "upload", "transfers": ["basic", *transfers], "objects": [ASKED]}
    (answer,) = hasty.ask("POST", f"{OBJECTS}/batch", json=body).json()["objects"]
    return answer["actions"]["upload"]


def route(hasty, which):
    """Method, URL, token and the right body."""
    if which == "file":
        return "PUT", uploading(hasty)["href"], "", DATA
    if which == "part":
        return "PUT", uploading(hasty, "multipart")["header"]["1"], "", DATA[:3000]
    if which in ("xorb", "shard"):
        told = hasty.ask("GET", "/api/models/ada/poet/xet-write-token/main").json()
        path = "/v1/shards" if which == "shard" else f"/v1/xorbs/default/{GOLDEN_NAME}"
        return "POST", told["casUrl"] + path, told["accessToken"], GOLDEN_SHARD if which == "shard" else GOLDEN_XORB
    path, body = {
        "commit": ("/api/models/ada/poet/commit/main", COMMIT),
        "preupload": ("/api/models/ada/poet/preupload/main", PREUPLOAD),
        "batch": (f"{OBJECTS}/batch", json.dumps({"operation": "upload", "objects": [ASKED]}).encode()),
    }[which]
    return "POST", hasty.url + path, hasty.token, body


@contextlib.contextmanager
def begun(hasty, which, *more):
    """A request whose head was sent, and the body it wants."""
    method, url, token, body = route(hasty, which)
    parts = urlsplit(url)
    lines = [f"{method} {parts.path}?{parts.query} HTTP/1.1", "Host: x", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer {token}"] * bool(token)
    lines += [line.format(size=len(body)) for line in more]
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as sock:
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        yield sock, body


def status(sock):
    """The status that is answered; 0 for none."""
    with contextlib.suppress(OSError):
        found = re.match(rb"HTTP/1.1 (\d+)", sock.recv(1 << 16))
        return int(found[1]) if found else 0
    return 0


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def settled(hasty):
    """Nothing of an upload lies there but what one may go on from."""
    deadline = time.monotonic() + WAIT
    incoming = hasty.hub.desk.store.layout.incoming
    while any(incoming.glob("xet/*/*/.*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    left = [path for path in incoming.iterdir() if path.suffix in (".part", ".tmp", ".ready") and OID not in path.name]
    return not [*left, *incoming.glob("xet/*/*/*.xorb")]


def test_a_body_that_stops_is_waited_for_a_while(hasty):
    def stop(which):
        with begun(hasty, which, "Content-Length: {size}") as (sock, body):
            sock.sendall(body[:-1])
            return status(sock)

    with ThreadPoolExecutor(len(ROUTES)) as pool:
        assert list(pool.map(stop, ROUTES)) == [408] * len(ROUTES)
    assert settled(hasty)


@pytest.mark.parametrize("which", ROUTES)
def test_a_body_that_is_cut_off_leaves_nothing_by_halves(hasty, which):
    with begun(hasty, which, "Content-Length: {size}") as (sock, body):
        sock.sendall(body[:-1])
        sock.shutdown(socket.SHUT_WR)
        assert status(sock) in (0, 400)
    with begun(hasty, which, "Transfer-Encoding: chunked") as (sock, body):
        sock.sendall(chunk(body)[:-3])
        sock.shutdown(socket.SHUT_WR)
        assert status(sock) in (0, 400)
    assert settled(hasty)
    assert not [line for line in hasty.lines() if line.get("status", 0) >= 500]


@pytest.mark.parametrize("which", ROUTES)
def test_a_body_whose_length_is_told_in_two_ways_is_refused(hasty, which):
    with begun(hasty, which, "Content-Length: {size}", "Transfer-Encoding: chunked") as (sock, body):
        sock.sendall(chunk(body) + chunk(b""))
        sock.shutdown(socket.SHUT_WR)
        assert status(sock) == 400
    assert settled(hasty)


@pytest.mark.parametrize(("which", "expected"), [("file", 400), ("part", 400), ("xorb", 400), ("shard", 400)])
def test_a_body_of_no_told_length_that_is_too_short_is_refused(hasty, which, expected):
    with begun(hasty, which, "Transfer-Encoding: chunked", "Connection: close") as (sock, body):
        sock.sendall(chunk(body[: len(body) // 2]) + chunk(b""))
        assert status(sock) == expected
    assert settled(hasty)


@pytest.mark.parametrize("which", ["file", "part"])
def test_a_body_that_is_longer_than_was_announced_is_refused(hasty, which):
    with begun(hasty, which, "Transfer-Encoding: chunked", "Connection: close") as (sock, body):
        sock.sendall(chunk(body) + chunk(b"!") + chunk(b""))
        assert status(sock) == 400
    with begun(hasty, which, "Content-Length: {size}1") as (sock, _):
        assert status(sock) == 413


def test_what_came_before_a_client_fell_silent_need_not_be_sent_again(hasty):
    path = urlsplit(uploading(hasty)["href"])
    with begun(hasty, "file", "Content-Length: {size}") as (sock, body):
        sock.sendall(body[:-7])
        assert status(sock) == 408
    asked = hasty.ask("HEAD", f"{path.path}?{path.query}", token=None)
    assert asked.headers["upload-offset"] == str(len(DATA) - 7)


def test_after_all_that_the_right_bodies_are_taken(hasty):
    for which in ROUTES:
        with begun(hasty, which, "Content-Length: {size}", "Connection: close") as (sock, body):
            sock.sendall(body)
            assert status(sock) == 200, which
    blobs = hasty.hub.desk.store.blobs
    assert blobs.has(Digest(OID))
    assert blobs.has(Digest.of(POEM))
