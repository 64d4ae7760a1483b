"""A server that is told to end, in the middle of uploads: these are finished, new ones are refused, nothing is lost."""

import base64
import contextlib
import hashlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapterhub.digest import Digest
from tests.builders import adapter_files
from tests.protocols.xet.making import GOLDEN_NAME, GOLDEN_SHARD, GOLDEN_XORB, POEM
from tests.server.running import Running, running

DATA = os.urandom(300_000)
OID = hashlib.sha256(DATA).hexdigest()
PART = 200_000
WAIT = 60

Request = tuple[str, str, dict[str, str], bytes]
"""Method, path, headers, body."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, part=PART) as found:
        assert found.ask("POST", "/api/repos/create", json={"name": "poet", "organization": "ada"}).status_code == 200
        yield found


def batch(server: Running, *transfers: str) -> dict[str, Any]:
    body = {"operation": "upload", "transfers": transfers, "objects": [{"oid": OID, "size": len(DATA)}]}
    answer = server.ask("POST", "/ada/poet.git/info/lfs/objects/batch", json=body).json()
    upload = answer["objects"][0]["actions"]["upload"]
    assert isinstance(upload, dict)
    return upload


def whole(server: Running) -> Request:
    return "PUT", batch(server, "basic")["href"].removeprefix(server.url), {}, DATA


def part(server: Running) -> Request:
    return "PUT", batch(server, "basic", "multipart")["header"]["1"].removeprefix(server.url), {}, DATA[:PART]


def commit(server: Running) -> Request:
    rows: list[dict[str, Any]] = [{"key": "header", "value": {"summary": "a commit", "description": ""}}]
    for path, data in adapter_files(rank=16, size=64).items():
        content = base64.b64encode(data).decode()
        rows.append({"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}})
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/x-ndjson"}
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return "POST", "/api/models/ada/poet/commit/main", headers, body


def cas(server: Running) -> tuple[str, dict[str, str]]:
    told = server.ask("GET", "/api/models/ada/poet/xet-write-token/main").json()
    return told["casUrl"].removeprefix(server.url), {"Authorization": f"Bearer {told['accessToken']}"}


def xorb(server: Running) -> Request:
    place, headers = cas(server)
    return "POST", f"{place}/v1/xorbs/default/{GOLDEN_NAME}", headers, GOLDEN_XORB


def shard(server: Running) -> Request:
    method, path, headers, body = xorb(server)
    assert server.ask(method, path, token=None, headers=headers, content=body).status_code == 200
    return "POST", path.partition("/v1/")[0] + "/v1/shards", headers, GOLDEN_SHARD


def is_there(digest: str) -> Callable[[Running], bool]:
    return lambda server: server.hub.desk.store.layout.blob(Digest(digest)).is_file()


SENT: dict[str, tuple[Callable[[Running], Request], Callable[[Running], Any]]] = {
    "a file": (whole, is_there(OID)),
    "a part": (part, lambda server: next(server.home.glob(f"incoming/{OID}.*.tmp")).stat().st_size == PART),
    "a commit": (commit, lambda server: server.hub.show("ada/poet@1")),
    "a xorb": (xorb, lambda server: [*server.home.glob(f"incoming/xet/*/*/{GOLDEN_NAME}.xorb")]),
    "a shard": (shard, is_there(hashlib.sha256(POEM).hexdigest())),
}


def connected(server: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=WAIT)


@pytest.mark.parametrize("what", SENT)
def test_what_is_in_flight_when_a_server_is_told_to_end_is_finished(server: Running, what: str) -> None:
    method, path, headers, body = SENT[what][0](server)
    said = {"Host": "x", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    with connected(server) as busy, connected(server) as idle:
        half = len(body) // 2
        busy.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body[:half])
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answered(idle)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        assert idle.recv(1 << 16) == b""  # who only kept his line open is let go
        refused(server)
        busy.sendall(body[half:])
        assert b" 200 " in busy.recv(1 << 16)
    assert server.stop() == 0
    assert SENT[what][1](server)
    assert server.hub.check().ok


def answered(line: socket.socket) -> None:
    """An answer to /healthz has come, whole."""
    got = b""
    while not got.endswith(b"}"):
        got += line.recv(1 << 16)
    assert b" 200 " in got


def refused(server: Running) -> None:
    """Nobody new is let in, at the latest a moment later."""
    end = time.monotonic() + WAIT
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            connected(server).close()
            assert time.monotonic() < end, "a server that ends lets somebody in"
