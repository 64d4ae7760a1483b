"""The nginx of docs/server.md, as it stands there but for its addresses and certificates, before a real server."""

import os
import re
import shutil
import socket
import subprocess
import time

import httpx2
import pytest
from huggingface_hub import HfApi

from adapterhub.hub import Hub
from adapterhub.reference import parse
from tests.builders import adapter_files, entry, write_files
from tests.house.sources import ROOT
from tests.server.running import running

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""What huggingface_hub is told by its HTTP client, which it does not follow."""

WEIGHTS = "adapter_model.safetensors"
FRAME = """
daemon off; worker_processes 1; user root; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {server}
}}
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def told(port, server):
    """What the page says, for this port and this server."""
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs/server.md").read_text(), re.DOTALL)
    block = re.sub(r"ssl_certificate.*", "", block)
    for before, after in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("http://127.0.0.1:8000", server.url),
        ("/srv/adapters/", f"{server.home}/"),
    ):
        assert before in block
        block = block.replace(before, after)
    return block


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """A server, and the address of an nginx before it."""
    folder, port, behind = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    with running(folder, "--x-accel", "/_blobs", "--public-url", address, "--port", str(behind)) as server:
        server.url = f"http://127.0.0.1:{behind}"  # it tells the public one
        config = folder / "nginx.conf"
        config.write_text(FRAME.format(folder=folder, server=told(port, server)))
        program = shutil.which("nginx")
        assert program, "nginx is missing: apt-get install nginx-light"
        with subprocess.Popen([program, "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL) as nginx:
            try:
                _wait(port, folder)
                yield server, address
            finally:
                nginx.terminate()


def _wait(port, folder):
    for _ in range(1200):
        with socket.socket() as there:
            if there.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError((folder / "error.log").read_text())


@pytest.mark.parametrize("xet", [False, True], ids=["lfs", "xet"])
def test_what_goes_up_through_it_comes_down_from_it(front, tmp_path, monkeypatch, xet):
    server, address = front
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", not xet)
    api, repo = HfApi(address, token=server.token), f"ada/poet{int(xet)}"
    files = adapter_files(seed=int(xet), rank=20_000)
    api.create_repo(repo)
    api.upload_folder(repo_id=repo, folder_path=write_files(tmp_path / "run", files))
    api.create_branch(repo, branch="trial/one")
    got = api.snapshot_download(repo, revision="trial/one", cache_dir=tmp_path / "cache")
    for path, data in files.items():
        assert (tmp_path / "cache" / got / path).read_bytes() == data
    (line,) = [
        line for line in server.lines()
        if line.get("method") == "GET" and line.get("path") == f"/{repo}/resolve/{_commit(api, repo)}/{WEIGHTS}"
    ]  # fmt: skip
    assert "sent" not in line  # the server said who may have it, and nginx sent it
    monkeypatch.setenv("ADAPTERHUB_TOKEN", server.token)
    hub = Hub.open(tmp_path / "other")
    hub.remote_add("team", f"hub+{address}")
    (pulled,) = hub.pull([f"team:{repo}@1"])
    assert str(pulled.digest) == str(server.hub.show(f"{repo}@1").digest)


def _commit(api, repo):
    return api.repo_info(repo, revision="trial/one").sha


def test_nobody_asks_it_for_a_blob(front):
    server, address = front
    for path in server.home.glob("blobs/sha256/??/*"):
        assert server.ask("GET", f"/_blobs/{path.parent.name}/{path.name}").status_code == 404
        asked = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{address}/_blobs/{path.parent.name}/{path.name}"],
            capture_output=True, check=True,
        )  # fmt: skip
        assert asked.stdout == b"404"


def versions(server, name):
    """Two versions whose weights have one size, and landed in one second; what each of them is."""
    for seed in (1, 2):
        server.hub.desk.store.publish(entry(seed=seed), parse(f"{name}@{seed}"))
    for path in server.home.glob("blobs/sha256/??/*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    answers = [asked(server, server.url, "HEAD", name, str(version)) for version in (1, 2)]
    assert answers[0].headers["Content-Length"] == answers[1].headers["Content-Length"]
    return answers


def asked(server, address, method, name, revision="main", **headers):
    with httpx2.Client(trust_env=False, timeout=60) as client:
        url = f"{address}/{name}/resolve/{revision}/{WEIGHTS}"
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.request(method, url, headers={"Authorization": f"Bearer {server.token}", **said})


def test_a_file_has_the_headers_that_the_server_says_and_none_that_nginx_makes_up(front):
    server, address = front
    (before, _) = versions(server, "ada/said")
    told = {name: before.headers[name] for name in before.headers if name not in ("date", "server", "x-request-id")}
    assert {"etag", "content-security-policy", "x-content-type-options", "x-repo-commit"} <= set(told)
    got = asked(server, address, "GET", "ada/said", "1")
    assert {name: got.headers[name] for name in told} == told
    assert set(got.headers) - set(told) == {"date", "server", "connection", "x-request-id"}
    until = time.monotonic() + 30
    while got.headers["x-request-id"] not in {line.get("id") for line in server.lines()}:  # told after the answer
        assert time.monotonic() < until
        time.sleep(0.05)


def test_who_has_the_file_of_the_version_before_gets_the_new_one(front):
    server, address = front
    before, now = versions(server, "ada/moved")
    seen = asked(server, address, "GET", "ada/moved", "1")
    for said in (
        {"If_None_Match": seen.headers["ETag"]},
        {"If_Modified_Since": "Tue, 14 Nov 2023 22:13:20 GMT"},
        {"If_Unmodified_Since": "Tue, 14 Nov 2000 22:13:20 GMT"},
        {"If_Match": now.headers["ETag"]},
    ):
        got = asked(server, address, "GET", "ada/moved", **said)
        assert (got.status_code, got.headers["ETag"]) == (200, now.headers["ETag"]), said
        assert got.content != seen.content
    assert before.headers["ETag"] == seen.headers["ETag"]
    assert asked(server, address, "GET", "ada/moved", If_None_Match=now.headers["ETag"]).status_code == 304


def test_a_download_goes_on_where_the_file_is_still_the_same_and_begins_anew_where_it_is_not(front):
    server, address = front
    before, now = versions(server, "ada/long")
    whole = asked(server, address, "GET", "ada/long").content
    rest = asked(server, address, "GET", "ada/long", Range="bytes=100-", If_Range=now.headers["ETag"])
    assert (rest.status_code, rest.content) == (206, whole[100:])
    anew = asked(server, address, "GET", "ada/long", Range="bytes=100-", If_Range=before.headers["ETag"])
    assert (anew.status_code, anew.content) == (200, whole)


def test_no_namespace_lies_where_nginx_keeps_the_files(front):
    server, address = front
    server.hub.desk.store.publish(entry(), parse("blobs/poet@1"))
    assert asked(server, address, "GET", "blobs/poet").status_code == 200
    assert asked(server, address, "GET", "_blobs/poet").status_code == 404
