"""A bucket that means harm, or hangs: what it costs is bounded, and nobody has to wait for it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapterhub.digest import Digest
from adapterhub.entry import Damaged
from adapterhub.errors import Corrupt, Refused
from adapterhub.remotes.bucket import Bucket
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.store.store import Store
from tests.builders import POET, BytesFiles, entry, entry_of
from tests.house.sources import ROOT
from tests.remotes.bucket.servers import environment
from tests.remotes.bucket.trees import client, keys, put

LARGE = os.urandom(30 << 20)

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], None]]:
    """A server that answers every request so."""
    answer: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer[-1](self)

        do_PUT = do_HEAD = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        for name, value in environment(f"http://127.0.0.1:{server.server_port}").items():
            monkeypatch.setenv(name, value)
        yield answer.append
        server.shutdown()


def begin(handler: BaseHTTPRequestHandler, status: int, size: int, **headers: str) -> None:
    handler.send_response(status)
    said = {"Content-Length": str(size), "ETag": '"x"', "Last-Modified": "Sun, 22 Nov 2026 14:00:00 GMT"}
    for name, value in (said | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def test_a_range_that_brings_more_than_was_asked_for_is_cut_off(hostile: Callable[[Answer], None]) -> None:
    sent = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        begin(handler, 206, 1 << 40, Content_Range="bytes 0-131071/1000000000")
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(bytes(1 << 20))
                sent.append(1)

    hostile(flood)
    with pytest.raises(Corrupt, match="more than the 131072 bytes that were asked for"):
        Objects("s3://reg/x").part("blobs/x", 0, 1 << 17)
    assert len(sent) < 64


def test_a_server_that_does_not_know_ranges_is_not_read_to_its_end(hostile: Callable[[Answer], None]) -> None:
    def whole(handler: BaseHTTPRequestHandler) -> None:
        begin(handler, 200, 1 << 40)
        with contextlib.suppress(OSError):
            handler.wfile.write(bytes(1 << 20))

    hostile(whole)
    objects = Objects("s3://reg/x")
    with pytest.raises(Corrupt, match="no such document is that large"):
        objects.read("registry.json")
    with pytest.raises(Refused, match="does not send ranges"):
        objects.part("blobs/x", 0, 1 << 17)


@pytest.mark.parametrize("words", [("list", "--remote"), ("pull", "ada/poet", "--from")])
def test_a_command_that_waits_for_a_server_can_be_interrupted(
    hostile: Callable[[Answer], None], tmp_path: Path, words: tuple[str, ...]
) -> None:
    asked, held = threading.Event(), threading.Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        held.wait(60)

    hostile(hang)
    command = [sys.executable, "-m", "adapterhub", *words, "s3://reg/x", "--store", str(tmp_path / "store")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        assert asked.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130  # and not once the server answers
    held.set()


@pytest.mark.parametrize("odd", ["names//x", "names/../x", "names/./x"])
def test_an_object_whose_name_breaks_every_list_is_told(url: str, odd: str) -> None:
    Bucket(url, "ada").publish(entry(), POET)
    put(url, odd, b"{}")
    with pytest.raises(Corrupt, match="an object whose name no registry gives") as refusal:
        list(Bucket(url).list())
    assert "delete that object" in refusal.value.hint


def test_names_that_tools_leave_and_that_are_none_of_ours_are_left_out(url: str) -> None:
    Bucket(url, "ada").publish(entry(), POET)
    for odd in ("ada/", "ada/poet/versions/", "a%2Fb/c/versions/1", "ä/ö/versions/1", "x\\y/z/versions/1", "a b/c/1"):
        put(url, f"names/{odd}", b"{}")
    assert [str(line.reference) for line in Bucket(url).list()] == ["ada/poet@1"]


def test_blobs_that_are_not_what_their_name_says_are_found_out(url: str, tmp_path: Path) -> None:
    bucket = Bucket(url, "ada")
    bucket.publish(entry(), POET)
    for file in entry().manifest.files:
        put(url, f"blobs/sha256/{file.sha256[:2]}/{file.sha256}", bytes(file.size))
    store = Store(tmp_path / "store", "ada")
    with pytest.raises(Damaged, match="what arrived is not sha256:"):
        store.publish(bucket.open(entry().digest), POET)
    assert list(store.list()) == []
    digest = entry().digest.hex
    put(url, f"blobs/sha256/{digest[:2]}/{digest}", entry(1).manifest.to_bytes())
    with pytest.raises(Corrupt, match="expected sha256:"):
        bucket.open(entry().digest)


def left(url: str) -> list[str]:
    """Uploads that were begun and neither ended nor forgotten."""
    return [one["Key"] for one in client().list_multipart_uploads(Bucket=urlsplit(url).netloc).get("Uploads", ())]


def test_an_upload_that_ends_in_an_error_or_is_interrupted_leaves_no_parts(url: str) -> None:
    large = entry_of({"adapter_config.json": b"{}", "adapter_model.safetensors": LARGE})
    assert isinstance(large.files, BytesFiles)
    bucket = Bucket(url, "ada")
    large.files.files = {**large.files.files, "adapter_model.safetensors": LARGE[:-1]}
    with pytest.raises(Damaged):
        bucket.publish(large, POET)
    assert left(url) == []
    large.files.files = {**large.files.files, "adapter_model.safetensors": LARGE}
    whole, opened = large.files.open, threading.Event()

    def interrupted(file, start=0):
        if file.size == len(LARGE) and not opened.is_set():
            opened.set()
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            time.sleep(0.2)
        return whole(file, start)

    object.__setattr__(large.files, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bucket.publish(large, POET)
    assert left(url) == []
    assert not [key for key in keys(url) if key.startswith("names")]
    assert bucket.publish(large, POET).received >= len(LARGE)
    digest = Digest.of(LARGE).hex
    assert keys(url)[f"blobs/sha256/{digest[:2]}/{digest}"] == len(LARGE)
