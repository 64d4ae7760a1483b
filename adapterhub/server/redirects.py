"""Large files that a bucket sends: a reader is led there by a link that ends, once the bucket has a copy.

A file nobody asked for yet is looked for in the bucket, and sent there if it lacks it, while its reader still gets it
from here. So a bucket may be empty at first. One that is away is found out by the next look, at most some seconds
later, and readers get their files from here until it is back.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from queue import Full, Queue
from threading import Lock, Thread
from typing import final
from urllib.parse import urlsplit

from adapterhub.entry import Files
from adapterhub.errors import AdapterHubError, WrongUsage
from adapterhub.manifest import File
from adapterhub.remotes.bucket_links import Copies
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.remotes.table import BUCKETS, check_url
from adapterhub.server.log import tell

__all__ = ["SMALLEST", "Redirects"]

SMALLEST = 1 << 20
"""Bytes below which a link costs more than the file."""

ENDS = 900.0
"""Seconds in which a reader must have begun; who goes on later asks here again."""

BELIEVED = 10.0
"""Seconds after which the bucket is asked again whether it still has a copy."""

PATIENCE = 1.0
"""Seconds it may take to answer; a reader waits for it."""

AWAY = 30.0
"""Seconds for which nobody is led to a bucket that did not answer."""

LOOKS = 4
"""Questions to the bucket at once."""

WAITING = 1000
"""Files that wait to be copied; more are copied when somebody asks again."""


@final
class Redirects:
    """Which files a bucket has, and a thread that brings it the others, one after the other."""

    def __init__(self, copies: Copies, files: Files) -> None:
        self._copies, self._files = copies, files
        self._there: dict[str, float] = {}
        self._asked: set[str] = set()
        self._lock = Lock()
        self._away = 0.0
        self._looking = ThreadPoolExecutor(LOOKS, "looking")
        self._queue: Queue[File] = Queue(WAITING)
        Thread(target=self._work, name="redirects", daemon=True).start()

    @classmethod
    def at(cls, url: str, files: Files) -> "Redirects":
        """With a bucket, which is asked once: who may not read it learns that before anybody is led there."""
        if urlsplit(check_url(url)).scheme not in BUCKETS:
            raise WrongUsage(
                f"{url} is no bucket, so readers cannot be led there", hint="write s3://bucket/prefix, gs://… or az://…"
            )
        objects = Objects(url)
        objects.read("registry.json")  # whether it is there or not: a HEAD would not tell a bucket that is none
        return cls(Copies(objects), files)

    def link(self, file: File) -> str | None:
        """Where a reader gets a file; None: from here."""
        if file.size < SMALLEST or time.monotonic() < self._away:
            return None
        if (seen := self._there.get(file.sha256)) is None:
            self._ask(file)
            return None
        try:
            if seen + BELIEVED < time.monotonic() and not self._still(file):
                return None
            return self._copies.link(file.blob, ENDS)
        except (AdapterHubError, TimeoutError) as error:
            self._away = time.monotonic() + AWAY
            tell("bucket", file=file.sha256, fault=str(error) or f"no answer in {PATIENCE:g} seconds")
            return None

    def _still(self, file: File) -> bool:
        """Whether the bucket has a copy, asked now."""
        there = self._looking.submit(self._copies.has, file).result(PATIENCE)
        if there:
            self._there[file.sha256] = time.monotonic()
        else:
            self._there.pop(file.sha256, None)
        return there

    def _ask(self, file: File) -> None:
        """Let the thread see to a file, unless it is to do so already."""
        with self._lock:
            if file.sha256 in self._asked:
                return
            try:
                self._queue.put_nowait(file)
            except Full:
                return
            self._asked.add(file.sha256)

    def _work(self) -> None:
        while True:
            file = self._queue.get()
            try:
                if not self._copies.has(file):
                    self._there.pop(file.sha256, None)
                    self._copies.send(self._files, file)
                    tell("copied", file=file.sha256, size=file.size)
                self._there[file.sha256] = time.monotonic()
            except Exception as error:  # a thread that ends would copy nothing any more, and nobody would know
                self._there.pop(file.sha256, None)
                tell("bucket", file=file.sha256, fault=f"{type(error).__name__}: {error}")
            finally:
                with self._lock:
                    self._asked.discard(file.sha256)
