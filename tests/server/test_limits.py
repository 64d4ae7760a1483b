"""What one client may cost."""

import asyncio
import contextlib
import os
import socket
import time

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.server.limits import Limits
from adapterhub.server.settings import Serving, parse_size
from adapterhub.server.sizes import QUESTION, STRANGER
from tests.server.running import WAIT, running


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A server that waits for nobody."""
    with running(
        tmp_path_factory.mktemp("hasty"), head=2.0, idle=0.5, largest=100_000, slowest=50_000, connections=20
    ) as found:
        yield found


def line(server):
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=30)


def answer(sock):
    told = b""
    with contextlib.suppress(ConnectionResetError):  # what came before it counts
        while piece := sock.recv(1 << 16):
            told += piece
    return told


def head(path, **headers):
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def create(token="", **headers):
    more = {"Authorization": f"Bearer {token}"} if token else {}
    return head("/api/repos/create", Content_Type="application/json", **more, **headers)


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(hasty):
    with line(hasty) as sock:
        sock.sendall(create(Content_Length=STRANGER.size + 1))
        told = answer(sock)
        assert b" 413 " in told
        assert b"more than 262144 bytes" in told
        assert b"send a token" in told


def test_who_shows_a_token_may_ask_for_more(hasty):
    body = b'{"name":"poet","organization":"ada"' + b" " * STRANGER.size + b"}"
    for token, status in ((hasty.token, 200), ("hf_ahub_nobody_x", 413), (None, 413)):
        headers = {"Content-Type": "application/json"}
        got = hasty.ask("POST", "/api/repos/create", token=token, content=body, headers=headers)
        assert got.status_code == status, got.text
    with line(hasty) as sock:
        sock.sendall(create(hasty.token, Content_Length=QUESTION.size + 1))
        assert b" 413 " in answer(sock)


def test_a_body_whose_length_is_told_in_two_ways_is_refused_before_it_comes(hasty):
    with line(hasty) as sock:
        sock.sendall(create(Content_Length=0, Transfer_Encoding="chunked"))
        piece = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        with contextlib.suppress(OSError):
            for _ in range(20):
                sock.sendall(piece)
        told = answer(sock)
        assert b" 400 " in told
        assert b"connection: close" in told.lower()


def test_the_time_that_is_ours_does_not_count_as_the_clients():
    async def receive():
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def app(scope, receive, send):
        for _ in range(3):
            await receive()
            await asyncio.sleep(0.05)  # a disk that is slow, or a turn that is waited for

    scope = {"type": "http", "path": f"/a/b.git/info/lfs/objects/{'0' * 64}", "headers": [(b"content-length", b"99")]}
    limits = Limits(app, Serving(idle=0.02, slowest=10**9))
    asyncio.run(limits(scope, receive, None))


def test_a_body_that_becomes_too_large_is_cut_off(hasty):
    with line(hasty) as sock:
        sock.sendall(head("/api/repos/create", Transfer_Encoding="chunked", Content_Type="application/json"))
        piece = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        with contextlib.suppress(OSError):
            for _ in range(20):
                sock.sendall(piece)
        assert b" 413 " in answer(sock)


def test_a_client_that_sends_nothing_more_is_let_go(hasty):
    with line(hasty) as sock:
        sock.sendall(head("/api/repos/create", Content_Length=100, Content_Type="application/json") + b"{")
        began = time.monotonic()
        assert b" 408 " in answer(sock)
        assert time.monotonic() - began < 20


def test_a_client_that_drips_is_let_go(hasty):
    with line(hasty) as sock:
        sock.sendall(head("/api/repos/create", Content_Length=100_000, Content_Type="application/json") + b"{")
        with contextlib.suppress(OSError):
            for _ in range(20):
                time.sleep(0.1)
                sock.sendall(b" ")
        assert b" 408 " in answer(sock)


def test_a_client_that_never_asks_is_let_go(hasty):
    with line(hasty) as sock:
        sock.sendall(b"GET / HT")
        assert sock.recv(10) == b""


def test_more_connections_than_there_may_be_are_turned_away(hasty):
    with contextlib.ExitStack() as held:
        for _ in range(25):
            held.enter_context(line(hasty))
        assert hasty.ask("GET", "/healthz").status_code == 503  # it was let in after them
    end = time.monotonic() + WAIT
    while hasty.ask("GET", "/healthz").status_code != 200:
        assert time.monotonic() < end


@pytest.mark.parametrize("junk", [b"\0\0\0\r\n\r\n", os.urandom(200) + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_answered_with_400_or_nothing(hasty, junk):
    with line(hasty) as sock:
        sock.sendall(junk)
        sock.shutdown(socket.SHUT_WR)
        assert answer(sock)[:12] in (b"HTTP/1.1 400", b"")
    assert hasty.ask("GET", "/healthz").status_code == 200


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1 XB", "1.2345GB", "1e9"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(WrongUsage):
        parse_size(text)


@pytest.mark.parametrize("url", ["example.org", "ftp://x", "https://", "https://x y", "http://x/?a"])
def test_a_public_url_that_is_none_is_refused(url):
    with pytest.raises(WrongUsage, match="no address of a server"):
        Serving(public_url=url)


@pytest.mark.parametrize(
    ("settings", "words"), [({"accelerated": "blobs"}, "begins with a slash"), ({"largest": 0}, "takes no file")]
)
def test_settings_that_cannot_work_are_refused(settings, words):
    with pytest.raises(WrongUsage, match=words):
        Serving(**settings)
