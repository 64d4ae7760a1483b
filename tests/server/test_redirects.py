"""A bucket that sends large files: clients are led there once it has a copy, and told nothing they may not know."""

import contextlib
import time
import urllib.request
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi

from adapterhub.errors import AdapterHubError, Unreachable, WrongUsage
from adapterhub.hub import Hub
from adapterhub.reference import parse
from adapterhub.server.redirects import BELIEVED, Redirects
from adapterhub.server.settings import Serving
from adapterhub.store.blobs import BlobFiles
from tests.builders import entry
from tests.remotes.bucket.servers import environment, make_bucket, moto
from tests.server.running import Running, running

PATH = "/ada/poet/resolve/1/adapter_model.safetensors"
WAIT = 60


@pytest.fixture(scope="module")
def endpoint():
    with moto() as address:
        make_bucket(address, "files")
        yield address


@pytest.fixture
def bucket(endpoint, monkeypatch):
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)
    return "s3://files/adapters"


@pytest.fixture
def server(tmp_path, bucket):
    with running(tmp_path, "--redirect", bucket) as found:
        found.hub.desk.store.publish(entry(seed=1, rank=40_000), parse("ada/poet@1"))
        yield found


def asked(server: Running, **more) -> httpx2.Response:
    return server.ask("GET", PATH, follow_redirects=False, **more)


def led(server: Running) -> httpx2.Response:
    """The answer once the bucket has a copy."""
    for _ in range(WAIT * 10):
        answer = asked(server)
        if answer.status_code == 302:
            return answer
        assert answer.status_code == 200
        time.sleep(0.1)
    raise AssertionError(server.log.read_text())


def test_the_first_reader_is_answered_here_and_the_next_ones_are_led_to_the_bucket(server):
    first = asked(server)
    assert first.status_code == 200
    answer = led(server)
    assert answer.headers["x-linked-size"] == str(len(first.content))
    assert answer.headers["cache-control"] == "no-store"
    assert server.token not in answer.headers["location"]
    with urllib.request.urlopen(answer.headers["location"]) as stream:
        assert stream.read() == first.content


def test_questions_and_small_files_are_answered_here(server):
    led(server)
    assert server.ask("HEAD", PATH, follow_redirects=False).status_code == 200
    small = PATH.replace("adapter_model.safetensors", "adapter_config.json")
    for _ in range(3):
        assert server.ask("GET", small, follow_redirects=False).status_code == 200


def test_who_may_not_see_a_file_is_not_led_to_it(server):
    led(server)
    other = server.new_token("eve", "read", "eve")
    for token in (None, other):
        answer = asked(server, token=token)
        assert (answer.status_code, "location" in answer.headers) == (404, False)


def test_clients_of_the_hub_and_our_own_follow(server, tmp_path, monkeypatch):
    size = int(led(server).headers["x-linked-size"])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    api = HfApi(server.url, token=server.token)
    got = api.hf_hub_download("ada/poet", "adapter_model.safetensors", cache_dir=tmp_path / "cache")
    assert Path(got).stat().st_size == size
    monkeypatch.setenv("ADAPTERHUB_TOKEN", server.token)
    hub = Hub.open(tmp_path / "other")
    hub.remote_add("team", f"hub+{server.url}")
    (pulled,) = hub.pull(["team:ada/poet@1"])
    assert str(pulled.digest) == str(server.hub.show("ada/poet@1").digest)


def test_a_bucket_that_goes_away_costs_readers_some_seconds_of_wrong_links_at_most(tmp_path, bucket, monkeypatch):
    with moto() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        make_bucket(address, "files")
        found = running(tmp_path, "--redirect", bucket)
        server = found.__enter__()
        with contextlib.ExitStack() as stack:
            stack.push(found)
            server.hub.desk.store.publish(entry(seed=2, rank=40_000), parse("ada/poet@1"))
            led(server)
            stack.pop_all()
    with contextlib.ExitStack() as stack:
        stack.push(found)
        end = time.monotonic() + BELIEVED + WAIT
        while asked(server).status_code == 302:
            assert time.monotonic() < end
            time.sleep(0.5)
        assert [asked(server).status_code for _ in range(3)] == [200] * 3
        assert any(line["event"] == "bucket" for line in server.lines())


def test_a_bucket_that_is_none_or_does_not_answer_is_told_at_the_start(tmp_path, bucket, monkeypatch):
    files = BlobFiles(Hub.open(tmp_path).desk.store.blobs)
    with pytest.raises(AdapterHubError, match="there is no such bucket"):
        Redirects.at("s3://nobody/here", files)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        Redirects.at(bucket, files)


def test_what_is_no_bucket_is_refused(tmp_path):
    with pytest.raises(WrongUsage, match="no bucket"):
        Redirects.at("https://example.org/files", BlobFiles(Hub.open(tmp_path).desk.store.blobs))


def test_a_file_is_sent_by_nginx_or_by_a_bucket_and_not_by_both():
    with pytest.raises(WrongUsage, match="not by both"):
        Serving(accelerated="/_blobs", redirect="s3://files/adapters")
