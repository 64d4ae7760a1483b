"""hf_xet, as it is, uploads to a real server, and recovers from whatever happens to that."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.builders import adapter_files, write_files
from tests.house.sources import ROOT
from tests.server.running import Running

TOKEN = "/api/models/ada/poet/xet-write-token/main"
SIZE = 3_000_000


@dataclass
class Client:
    """hf_xet with a cache of its own."""

    server: Running
    home: Path

    def start(self, *files: Path, token: str = "") -> "subprocess.Popen[str]":
        words = [sys.executable, "-m", "tests.server.ingest.hf_xet_client", self.server.url + TOKEN]
        words += [token or self.server.token, *map(str, files)]
        env = {**os.environ, "HF_HOME": str(self.home), "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1"}
        pipe = subprocess.PIPE
        return subprocess.Popen(words, env=env, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)

    def upload(self, *files: Path) -> int:
        """Upload; how many bytes of chunks the server received for it."""
        before = len(self.server.lines())
        process = self.start(*files)
        said, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        assert said.split() == [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        lines = [line for line in self.server.lines()[before:] if "/xorbs/" in line.get("path", "")]
        return sum(line.get("received", 0) for line in lines)


def there(server: Running, file: Path) -> bool:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    blob = server.home / "blobs" / "sha256" / digest[:2] / digest
    return blob.is_file() and hashlib.sha256(blob.read_bytes()).hexdigest() == digest


def write(path: Path, seed: int, size: int = SIZE) -> Path:
    """A file of bytes, floats and zeros."""
    dice = Random(seed)
    floats = b"".join(dice.randbytes(2) + b"\x80\x3f" for _ in range(size // 12))
    path.write_bytes(dice.randbytes(size // 3) + floats + bytes(size // 3))
    return path


def changed(path: Path, to: Path) -> Path:
    """The same file but for one bit."""
    data = bytearray(path.read_bytes())
    data[500_000] ^= 1
    to.write_bytes(data)
    return to


def test_hf_xet_uploads_and_sends_of_a_second_version_what_is_new(served: Running, tmp_path: Path) -> None:
    client, first, small = Client(served, tmp_path / "hf"), write(tmp_path / "1", 1), tmp_path / "small"
    small.write_bytes(b"p")
    whole = client.upload(first, small)
    assert there(served, first)
    assert there(served, small)
    second = changed(first, tmp_path / "2")
    assert client.upload(second) < whole / 5
    assert there(served, second)
    assert client.upload(first) == 0
    assert served.hub.check().ok


def test_hf_xet_uploads_an_empty_file_beside_others(served: Running, tmp_path: Path) -> None:
    """It says of one that its sha256 is 0; whoever commits it says what it is."""
    files = (tmp_path / "empty", tmp_path / "small")
    for file, data in zip(files, (b"", b"p"), strict=True):
        file.write_bytes(data)
    process = Client(served, tmp_path / "hf").start(*files)
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 0, complaint
    assert said.split() == ["0" * 64, hashlib.sha256(b"p").hexdigest()]
    assert all(there(served, file) for file in files)


def test_where_chunks_are_gone_the_client_sends_them_again(served: Running, tmp_path: Path) -> None:
    client, file = Client(served, tmp_path / "hf"), write(tmp_path / "1", 1)
    whole = client.upload(file)
    shutil.rmtree(served.home / "incoming" / "xet")
    assert client.upload(file) == whole
    assert there(served, file)


def test_chunks_that_are_lost_cost_one_push_and_the_next_succeeds(served: Running, tmp_path: Path) -> None:
    client, first = Client(served, tmp_path / "hf"), write(tmp_path / "1", 1)
    whole = client.upload(first)
    for xorb in served.home.glob("incoming/xet/*/*/*.xorb"):
        xorb.unlink()
    second = changed(first, tmp_path / "2")
    process = client.start(second)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not there(served, second)
    assert client.upload(second) > whole / 2
    assert there(served, second)


@pytest.mark.slow
def test_a_server_that_is_killed_again_and_again_stays_intact(served: Running, tmp_path: Path) -> None:
    client, dice = Client(served, tmp_path / "hf"), Random(5)
    for number in range(3):
        file = write(tmp_path / str(number), number, 12_000_000)
        process = client.start(file)
        killer = threading.Timer(0.25 + dice.random() / 3, served.stop, (signal.SIGKILL,))
        killer.start()
        process.communicate(timeout=120)
        killer.join()
        assert served.hub.check().ok
        served.start()
        client.upload(file)
        assert there(served, file)


HUGGINGFACE_HUB = """
import sys
from huggingface_hub import HfApi, snapshot_download
url, token, folder, more, back = sys.argv[1:]
api = HfApi(url, token=token)
api.create_repo("ada/new")
api.upload_folder(repo_id="ada/new", folder_path=folder)
api.upload_file(repo_id="ada/new", path_in_repo="more.safetensors", path_or_fileobj=more)
snapshot_download("ada/new", endpoint=url, token=token, local_dir=back)
"""


def test_huggingface_hub_as_it_is_publishes_an_adapter_over_xet(server: Running, tmp_path: Path) -> None:
    folder, more, back = tmp_path / "new", tmp_path / "more", tmp_path / "back"
    write_files(folder, adapter_files(rank=64, size=512))
    more.write_bytes(adapter_files(rank=8, size=1024)["adapter_model.safetensors"])
    words = [sys.executable, "-c", HUGGINGFACE_HUB, server.url, server.token, *map(str, (folder, more, back))]
    env = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for path in (*folder.iterdir(), more):
        name = path.name if path.parent == folder else "more.safetensors"
        assert (back / name).read_bytes() == path.read_bytes()
    assert server.hub.list()[0].reference == "ada/new@1"
    shards = [line for line in server.lines() if line.get("path", "").endswith("/v1/shards")]
    assert [line["status"] for line in shards] == [200, 200]
