"""nginx for the time of a measurement: as a plain server that answers what the Hub's clients ask, and before ours."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.running import Served
from benchmarks.serving.wire import Client

__all__ = ["Nginx", "before", "mirror", "nginx", "taking"]

CONFIG = """
daemon off; worker_processes 1; {user} pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; client_max_body_size 0; default_type application/octet-stream;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port} backlog=511; {locations} }}
}}
"""
FILE = """
location = /{name}/resolve/{revision}/{path} {{
  alias {blob}; etag off; add_header ETag '"{etag}"'; add_header X-Repo-Commit {sha};
}}
"""
ANSWER = "location = {path} {{ alias {file}; default_type application/json; }}\n"


@dataclass(frozen=True)
class Nginx:
    """One that runs: where, and its first process."""

    url: str
    pid: int


@contextmanager
def nginx(folder: Path, locations: str) -> Iterator[Nginx]:
    """One worker on a free port of loopback."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        raise SystemExit("nginx is missing, and everything here is measured beside it: apt-get install nginx-light")
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = "user root;" if os.getuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, user=user, locations=locations))
    with subprocess.Popen([program, "-c", str(config), "-e", str(folder / "error.log")]) as process:
        try:
            _wait(port, process)
            yield Nginx(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise SystemExit("nginx did not start")


def mirror(served: Served, names: Iterable[str], folder: Path) -> str:
    """Locations that answer for these repositories what our server answers: JSON as files, files as its blobs."""
    folder.mkdir(parents=True, exist_ok=True)
    with Client(served.url, served.token) as at:
        return "".join(
            line for number, name in enumerate(names) for line in _repository(at, served, name, folder / str(number))
        )


def _repository(at: Client, served: Served, name: str, beside: Path) -> Iterator[str]:
    path = f"/api/models/{name}/revision/main"
    told = at.json("GET", f"{path}?blobs=true")
    sha = told["sha"]
    tree = at.json("GET", f"/api/models/{name}/tree/{sha}?recursive=true")
    for kind, place, said in (("info", path, told), ("tree", f"/api/models/{name}/tree/{sha}", tree)):
        file = beside.with_name(f"{beside.name}-{kind}.json")
        file.write_text(json.dumps(said))
        yield ANSWER.format(path=place, file=file)
    for each in told["siblings"]:
        yield from _places(at, served, name, sha, each["rfilename"])


def _places(at: Client, served: Served, name: str, sha: str, path: str) -> list[str]:
    """A file at the branch and at the commit. Its bytes lie where the store has them."""
    from adapterhub.hub import Hub
    from adapterhub.reference import parse

    head, _ = at.ask("HEAD", f"/{name}/resolve/{sha}/{path}")
    store = Hub.open(served.store).desk.store
    file = store.history.commit(parse(name).name, sha).file(path)
    assert file is not None
    facts = {"name": name, "path": path, "sha": sha, "etag": head.headers["ETag"].strip('"')}
    return [FILE.format(revision=one, blob=store.layout.blob(file.blob), **facts) for one in ("main", sha)]


def taking(folder: Path) -> str:
    """A place that keeps whatever is put there."""
    folder.mkdir(parents=True)
    return f"location /put/ {{ root {folder}; dav_methods PUT; create_full_put_path on; }}\n"


def before(served: Served, prefix: str) -> str:
    """All for our server, which says where the bytes lie."""
    blobs = served.store / "blobs" / "sha256"
    return (
        f"location / {{ proxy_pass {served.url}; proxy_set_header Host $http_host; proxy_http_version 1.1; }}\n"
        f"location {prefix}/ {{ internal; alias {blobs}/; }}\n"
    )
