"""Real servers of S3 on loopback: moto, which honours conditions, and s3rver, which ignores them."""

import contextlib
import fcntl
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from platformdirs import user_cache_path

S3RVER = "3.7.1"
KEYS = {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER", "AWS_REGION": "us-east-1"}
"""What s3rver wants; moto takes anything."""


def environment(endpoint: str) -> dict[str, str]:
    """The variables that lead to a server."""
    return {**KEYS, "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """The address of a server without buckets."""
    port = free_port()
    with _running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port) as endpoint:
        yield endpoint


@contextlib.contextmanager
def s3rver(folder: Path) -> Iterator[str]:
    """The address of a server with one bucket, `reg`."""
    port, program = free_port(), _installed() / "node_modules/.bin/s3rver"
    words = [str(program), "-a", "127.0.0.1", "-p", str(port), "-d", str(folder), "--configure-bucket", "reg", "-s"]
    with _running(words, port) as endpoint:
        yield endpoint


def _installed() -> Path:
    """s3rver in a folder of the user's cache, fetched once."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing, so no server that ignores conditions was asked: apt-get install npm")
    cache = user_cache_path("adapterhub-tests")
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"s3rver-{S3RVER}"
    with open(cache / "s3rver.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            words = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"s3rver@{S3RVER}"]
            subprocess.run(words, check=True, capture_output=True)
            (folder / "whole").touch()
    return folder


@contextlib.contextmanager
def _running(words: list[str], port: int) -> Iterator[str]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=quiet, stderr=quiet) as process:
        try:
            for _ in range(1200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert process.poll() is None, f"{words[0]} did not start"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def make_bucket(endpoint: str, bucket: str) -> None:
    """A new bucket on a server that lets anybody make one."""
    with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")):
        pass
