"""Running the server: a socket, the app, and an end that lets uploads in flight finish."""

import errno
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from adapterhub.errors import Refused, WrongUsage
from adapterhub.server.settings import Serving
from adapterhub.verbs.desk import Desk

__all__ = ["serve"]

BACKLOG = 512
HEAD = 64 << 10
"""Bytes the head of a request may have."""
OWN = "write an address of this machine: 127.0.0.1 or ::1 for itself alone, 0.0.0.0 or :: for others too"
HINTS = {
    errno.EADDRINUSE: "is another server running there? Give another --port, or 0 for any that is free",
    errno.EADDRNOTAVAIL: OWN,
    errno.EACCES: "ports below 1024 are for root: give --port 8000, and let a proxy stand in front",
}
"""What to do where nothing can listen."""


def serve(desk: Desk, serving: Serving, started: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `started` hears the URL once clients can connect.

    At the end nobody new is let in, and requests in flight have `serving.finish` seconds.
    """
    try:
        import uvicorn

        from adapterhub.server.app import make_app
        from adapterhub.server.limits import Protocol
        from adapterhub.server.log import configure, tell
        from adapterhub.server.memory import give_back

        give_back()
        app = make_app(desk, serving)  # reads the modules of all routes
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "adapterhub":
            raise
        raise Refused(
            f"serving needs {error.name}, which is not installed", hint="pip install 'adapterhub[server]'"
        ) from None
    configure()
    config = uvicorn.Config(
        app,
        http=Protocol.of(serving),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=serving.connections,
        timeout_keep_alive=max(1, round(serving.head)),
        timeout_graceful_shutdown=round(serving.finish),
        h11_max_incomplete_event_size=HEAD,
    )
    with _bound(serving) as listening:
        host, port = listening.getsockname()[:2]
        url = serving.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
        server = uvicorn.Server(config)
        _end_at_a_signal(server)
        started(url)
        tell("serving", url=url, store=str(desk.store.root))
        server.run(sockets=[listening])
    tell("ended")


def _bound(serving: Serving) -> socket.socket:
    """A socket that listens; connections wait in it until the app is there."""
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    try:
        socket.getaddrinfo(serving.host, serving.port, family)
        listening = socket.create_server((serving.host, serving.port), family=family, backlog=BACKLOG)
        # asyncio sets this only on sockets that name their protocol; without it every answer waits 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (socket.gaierror, UnicodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "no name of a host"
        raise WrongUsage(f"--host {serving.host}: {said}", hint=OWN) from None
    except (OSError, OverflowError) as error:
        number = error.errno or 0 if isinstance(error, OSError) else 0
        raise Refused(
            f"cannot listen on {serving.host} port {serving.port}: {os.strerror(number) if number else error}",
            hint=HINTS.get(number, "give another --host or --port"),
        ) from None


def _end_at_a_signal(server: Any) -> None:
    """Before uvicorn listens for signals, one ends it too; and the one it sends itself at its end means nothing."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
