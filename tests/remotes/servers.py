"""Real web servers on loopback: Python's, which can be told to misbehave, and nginx."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Fault = Callable[["Handler", bytes, int], bool]
"""Asked with the file's bytes and the first byte wanted; True when it has answered itself."""


@dataclass
class Served:
    """One request: the path, the first byte that was asked for, and how many bytes went out."""

    path: str
    start: int
    sent: int = 0


class Handler(BaseHTTPRequestHandler):
    """Serves files below a folder, ranges too, unless a fault steps in."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-")
        path = self.path.removeprefix("/")
        self.served = Served(path, int(wanted))
        self.server.served.append(self.served)
        file = self.server.folder / path
        data = file.read_bytes() if file.is_file() else None
        for pattern, fault in self.server.faults:
            if pattern in path and fault(self, data or b"", int(wanted)):
                return
        if data is None:
            self.answer(404, b"")
        elif "Range" in self.headers:
            self.answer(206, data[int(wanted) :], range_=f"bytes {wanted}-{len(data) - 1}/{len(data)}")
        else:
            self.answer(200, data)

    def answer(self, status: int, data: bytes, *, length: int | None = None, range_: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        if range_:
            self.send_header("Content-Range", range_)
        self.end_headers()
        self.send(data)

    def send(self, data: bytes) -> None:
        self.served.sent += len(data)  # before: whoever reads the last byte may ask at once
        try:
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.served.sent -= len(data)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Server:
    """A folder on the web. `faults` are (part of a path, fault); `served` is every request."""

    folder: Path
    served: list[Served] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    url: str = ""

    def sent(self, part: str) -> int:
        """Bytes that went out of files with this in their path."""
        return sum(served.sent for served in self.served if part in served.path)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A web server in a thread."""
    site = Server(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"server": None})) as listener:
        listener.daemon_threads = True
        for name in ("folder", "served", "faults"):
            setattr(listener, name, getattr(site, name))
        site.url = f"http://127.0.0.1:{listener.server_port}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield site
        finally:
            listener.shutdown()
            thread.join()


def times(count: int, fault: Fault) -> Fault:
    """A fault that happens so many times and never again."""
    left = iter(range(count))
    return lambda handler, data, start: next(left, None) is not None and fault(handler, data, start)


def status(code: int) -> Fault:
    """Answers with a status and no file."""

    def answer(handler: Handler, data: bytes, start: int) -> bool:
        handler.answer(code, b"sorry")
        return True

    return answer


def cut(after: int) -> Fault:
    """Promises the whole, sends so many bytes of it and hangs up."""

    def answer(handler: Handler, data: bytes, start: int) -> bool:
        rest = data[start:]
        range_ = f"bytes {start}-{len(data) - 1}/{len(data)}" if start else ""
        handler.answer(206 if start else 200, rest[:after], length=len(rest), range_=range_)
        handler.close_connection = True
        return True

    return answer


def stall(after: int) -> Fault:
    """Promises the whole, sends so many bytes of it and then nothing, for as long as the client waits."""

    def answer(handler: Handler, data: bytes, start: int) -> bool:
        handler.answer(200, data[:after], length=len(data))
        with contextlib.suppress(OSError):
            handler.rfile.read(1)
        handler.close_connection = True
        return True

    return answer


def instead(other: bytes | Callable[[bytes], bytes]) -> Fault:
    """Sends other bytes, whatever range was asked for."""

    def answer(handler: Handler, data: bytes, start: int) -> bool:
        handler.answer(200, other if isinstance(other, bytes) else other(data))
        return True

    return answer


def endless(handler: Handler, data: bytes, start: int) -> bool:
    """Sends the file and then never stops, until the client hangs up."""
    handler.send_response(200)
    handler.end_headers()
    before = -1
    handler.send(data)
    while before < handler.served.sent:
        before = handler.served.sent
        handler.send(bytes(1 << 16))
    handler.close_connection = True
    return True


NGINX = """
daemon off; {user} pid {tmp}/pid; error_log {tmp}/error.log;
events {{}}
http {{
  access_log {tmp}/access.log;
  client_body_temp_path {tmp}/a; proxy_temp_path {tmp}/b; fastcgi_temp_path {tmp}/c; uwsgi_temp_path {tmp}/d;
  scgi_temp_path {tmp}/e;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, tmp: Path) -> Iterator[str]:
    """The URL of a folder behind nginx."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        pytest.skip("nginx is missing, so no foreign web server was asked: apt-get install nginx-light")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = "user root;" if os.getuid() == 0 else ""
    config = tmp / "nginx.conf"
    config.write_text(NGINX.format(tmp=tmp, folder=folder, port=port, user=user))
    with subprocess.Popen([program, "-c", str(config), "-e", str(tmp / "error.log")]) as process:
        try:
            _wait(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(6000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None, "nginx did not start"
        time.sleep(0.01)
    raise AssertionError("nginx does not answer")
