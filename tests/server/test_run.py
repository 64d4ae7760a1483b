"""A server that runs: where it says it is, what it logs, and how it ends."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Refused, WrongUsage
from adapterhub.hub import Hub
from adapterhub.reference import Name
from adapterhub.server.run import serve
from adapterhub.server.settings import Serving
from tests.house.sources import ROOT
from tests.server.running import WAIT, running

DATA = os.urandom(400_000)
OID = hashlib.sha256(DATA).hexdigest()


def test_a_server_answers_where_it_says_it_is(server):
    answered = server.ask("GET", "/healthz", token=None)
    assert server.ask("HEAD", "/healthz", token=None).status_code == 200
    assert (answered.status_code, answered.json()) == (200, {"ok": True})


def test_sigterm_ends_it_with_exit_code_0(server):
    server.ask("GET", "/healthz")
    assert server.stop(signal.SIGTERM) == 0
    assert [line["event"] for line in server.lines()] == ["serving", "request", "ended"]


def test_a_signal_before_the_first_request_ends_it_too(server):
    assert server.stop(signal.SIGINT) == 0


def test_the_port_of_another_server_is_refused(server):
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(Refused, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use$") as refusal:
        serve(server.hub.desk, Serving(port=port), print)
    assert "another server" in refusal.value.hint


@pytest.mark.parametrize("host", ["nowhere.invalid", "", "a" * 70, "1.2.3.4.5", "::g"])
def test_a_host_that_no_name_server_knows_is_wrong_usage(tmp_path, host):
    with pytest.raises(WrongUsage, match=f"^--host {host}: ") as refusal:
        serve(Hub.open(tmp_path).desk, Serving(host, 0), print)
    assert "an address of this machine" in refusal.value.hint


def test_an_address_of_another_machine_is_called_so(tmp_path):
    with pytest.raises(Refused, match=r"cannot listen on 203.0.113.1 port 0: Cannot assign") as refusal:
        serve(Hub.open(tmp_path).desk, Serving("203.0.113.1", 0), print)
    assert "an address of this machine" in refusal.value.hint


@pytest.mark.parametrize(
    ("options", "told"), [({"accelerated": "blobs"}, "--x-accel blobs"), ({"largest": 0}, "--largest 0")]
)
def test_options_that_serve_nobody_are_refused(options, told):
    with pytest.raises(WrongUsage, match=told) as refusal:
        Serving(**options)
    assert refusal.value.hint


def test_a_store_that_is_gone_is_no_good_health(server):
    server.home.rename(server.home.with_name("moved"))
    assert server.ask("GET", "/healthz", token=None).status_code >= 500


def test_a_request_is_one_line_of_the_log(server):
    server.ask("GET", "/api/whoami-v2?secret=x", token=None, headers={"Authorization": "Bearer hidden"})
    server.stop()
    (line,) = [line for line in server.lines() if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/whoami-v2", 401)
    assert "hidden" not in server.log.read_text()
    assert "secret" not in server.log.read_text()


def upload(server):
    """What the server wants to have done for an upload."""
    body = {"operation": "upload", "objects": [{"oid": OID, "size": len(DATA)}]}
    answer = server.ask("POST", "/ada/poet.git/info/lfs/objects/batch", json=body).json()
    return answer["objects"][0].get("actions")


def begun(server):
    """An upload of which half is sent."""
    server.hub.desk.store.history.create(Name("ada", "poet"), private=True, by="admin")
    path = upload(server)["upload"]["href"].removeprefix(server.url)
    sock = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=60)
    sock.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(DATA)}\r\n\r\n".encode() + DATA[:200_000])
    until(lambda: [*server.home.glob(f"incoming/{OID}.*.part")])  # the server has begun with it
    return sock


def until(happened):
    end = time.monotonic() + WAIT
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def closed(server):
    """Whether nobody new is let in."""
    try:
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))).close()
    except ConnectionRefusedError:
        return True
    return False


def test_an_upload_in_flight_is_finished_when_a_server_ends(server):
    with begun(server) as sock:
        server.process.send_signal(signal.SIGTERM)
        until(lambda: closed(server))
        sock.sendall(DATA[200_000:])
        assert b" 200 " in sock.recv(1 << 16)
    assert server.stop() == 0
    assert server.hub.desk.store.layout.blob(Digest(OID)).read_bytes() == DATA


def test_an_upload_that_does_not_end_does_not_keep_a_server(tmp_path):
    with running(tmp_path, finish=1.0) as server, begun(server):
        assert server.stop() == 0
        assert server.hub.check().ok


@pytest.mark.parametrize("more", [0, 100_000, len(DATA) - 200_001, len(DATA) - 200_000])
def test_a_server_killed_in_an_upload_leaves_a_clean_store_and_takes_it_again(server, more):
    with begun(server) as sock:
        sock.sendall(DATA[200_000 : 200_000 + more])
        server.stop(signal.SIGKILL)
    assert server.hub.check().ok
    server.start()
    action = upload(server)
    if action:  # else it was there just before
        assert server.ask("PUT", action["upload"]["href"].removeprefix(server.url), content=DATA).status_code == 200
    assert server.hub.desk.store.layout.blob(Digest(OID)).read_bytes() == DATA
    assert server.hub.check().ok


def test_without_the_extra_it_is_told_what_to_install(tmp_path):
    block = "import sys; sys.modules['uvicorn'] = None\nfrom adapterhub.cli.app import main\nmain()"
    words = [sys.executable, "-c", block, "serve", "--store", str(tmp_path / "store")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert done.returncode == Refused.code
    assert "pip install 'adapterhub[server]'" in done.stderr


@pytest.mark.parametrize("prefix", ["/blobs", "/Blobs/", "/9/_x", "/", "//_blobs", "/_blobs/../ada", "/_a b"])
def test_a_place_for_files_that_hides_a_namespace_is_refused_at_the_start(prefix):
    with pytest.raises(WrongUsage, match=f"^--x-accel {prefix}: it hides the addresses of a namespace") as refusal:
        Serving(accelerated=prefix)
    assert "/_blobs" in refusal.value.hint


@pytest.mark.parametrize("prefix", ["/_blobs", "/_blobs/", "/_files/blobs"])
def test_a_place_for_files_that_no_namespace_can_have_is_taken(prefix):
    assert Serving(accelerated=prefix).accelerated == prefix
    with pytest.raises(BadReference):
        Name(prefix.split("/")[1], "poet")
