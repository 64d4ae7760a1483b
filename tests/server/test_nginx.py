"""The nginx of docs/server.md, as it stands there but for its addresses and certificates, before a real server."""

import re
import shutil
import socket
import subprocess
import time

import pytest
from huggingface_hub import HfApi

from adapterhub.hub import Hub
from tests.builders import adapter_files, write_files
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
    with running(folder, "--x-accel", "/blobs", "--public-url", address, "--port", str(behind)) as server:
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
    for _ in range(200):
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
        assert server.ask("GET", f"/blobs/{path.parent.name}/{path.name}").status_code == 404
        asked = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{address}/blobs/{path.parent.name}/{path.name}"],
            capture_output=True, check=True,
        )  # fmt: skip
        assert asked.stdout == b"404"
