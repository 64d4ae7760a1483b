"""The ways in which clients push: huggingface_hub over LFS or Xet, hands over LFS that go on, and our own command."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import RevisionNotFoundError

from adapterhub.hub import Hub
from tests.builders import write_files
from tests.crash.pushers import WEIGHTS, Pusher, Repo, adapter, hashes
from tests.house.sources import ROOT

OLDEST = 4
"""Repositories a client keeps; the one it made first goes then."""

SLOW = 1 << 17
"""Bytes between two short rests of a hand."""


class Stranger(Pusher):
    """huggingface_hub, unmodified: large files as its environment says, over LFS or over Xet."""

    smallest, largest = 200_000, 1_500_000
    deeds: tuple[tuple[str, int], ...] = (("commit", 6), ("words", 1), ("tag", 2), ("retag", 2), ("move", 1))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.api = HfApi(self.url, token=self.token)

    def turn(self) -> None:
        if not self.repos or self.dice.random() < 0.15:
            self.create()
        elif len(self.repos) > OLDEST:
            self.delete(next(iter(self.repos)))
        else:
            words, weights = zip(*self.deeds, strict=True)
            (deed,) = self.dice.choices(words, weights)
            getattr(self, deed)(self.dice.choice([*self.repos]))

    def create(self) -> None:
        repo = self.name()
        self.do("create", lambda _: {"url": str(self.api.create_repo(repo, exist_ok=True))}, repo=repo)
        self.repos[repo] = Repo()
        self.commit(repo)

    def commit(self, repo: str) -> None:
        self._send(repo, adapter(self.dice, self.dice.randint(self.smallest, self.largest)))

    def words(self, repo: str) -> None:
        """A commit without weights."""
        if self.repos[repo].oids:
            self._send(repo, {"README.md": f"# {self.dice.random()}\n".encode()}, whole=False)

    def _send(self, repo: str, files: dict[str, bytes], *, whole: bool = True) -> None:
        def act(again: bool) -> dict[str, Any]:
            # Fresh ones: huggingface_hub remembers in them what it has sent, and to whom.
            adds = [CommitOperationAdd(path, data) for path, data in files.items()]
            return {"oid": self.api.create_commit(repo, adds, commit_message="pushed").oid}

        self._sent(repo, self.do("commit", act, repo=repo, files=hashes(files), weights=whole), whole)

    def _sent(self, repo: str, answer: dict[str, Any], whole: bool) -> None:
        if whole:
            self.repos[repo].oids.append(answer["oid"])

    def tag(self, repo: str) -> None:
        self.made += 1
        if not self.repos[repo].oids:
            return
        self._tag(repo, f"v{self.made}")

    def _tag(self, repo: str, tag: str) -> None:
        oid = self.dice.choice(self.repos[repo].oids)

        def act(again: bool) -> dict[str, Any]:
            self.api.create_tag(repo, tag=tag, revision=oid, exist_ok=again)
            return {}

        self.do("tag", act, repo=repo, tag=tag, oid=oid)
        self.repos[repo].tags.append(tag)

    def retag(self, repo: str) -> None:
        """An alias that means something, or nothing yet, means something else."""
        if not self.repos[repo].oids:
            return
        if "alias/prod" in self.repos[repo].tags:

            def act(again: bool) -> dict[str, Any]:
                try:
                    self.api.delete_tag(repo, tag="alias/prod")
                except RevisionNotFoundError:
                    if not again:
                        raise
                return {}

            self.do("untag", act, repo=repo, tag="alias/prod")
            self.repos[repo].tags.remove("alias/prod")
        self._tag(repo, "alias/prod")

    def move(self, repo: str) -> None:
        to = self.name()

        def act(again: bool) -> dict[str, Any]:
            if not (again and self.api.repo_exists(to) and not self.api.repo_exists(repo)):
                self.api.move_repo(repo, to)
            return {}

        self.do("move", act, repo=repo, to=to)
        self.repos[to] = self.repos.pop(repo)

    def delete(self, repo: str) -> None:
        def act(again: bool) -> dict[str, Any]:
            self.api.delete_repo(repo, missing_ok=again)
            return {}

        self.do("delete", act, repo=repo)
        del self.repos[repo]


class InParts(Stranger):
    """Files that are larger than a part."""

    smallest, largest = 2_500_000, 6_000_000


class Keeper(Stranger):
    """Who makes, moves and deletes more than he sends."""

    smallest, largest = 1_000, 30_000
    deeds = (("commit", 3), ("words", 2), ("tag", 3), ("retag", 4), ("move", 5))


class Hand(Stranger):
    """Large files over LFS without a library, slowly; after a cut on with the bytes that are missing, by the same link.

    Everything else as its parent does it.
    """

    smallest, largest = 2_000_000, 6_000_000

    def _send(self, repo: str, files: dict[str, bytes], *, whole: bool = True) -> None:
        if not whole:
            super()._send(repo, files, whole=whole)
            return
        links: list[str] = []
        answer = self.do(
            "commit", lambda _: self._pushed(repo, files, links), repo=repo, files=hashes(files), weights=True
        )
        self._sent(repo, answer, whole)

    def _pushed(self, repo: str, files: dict[str, bytes], links: list[str]) -> dict[str, Any]:
        sent = hashes(files)
        with httpx2.Client(trust_env=False, timeout=60, headers={"Authorization": f"Bearer {self.token}"}) as client:
            start = self._put(client, repo, files[WEIGHTS], sent[WEIGHTS], links)
            rows: list[dict[str, Any]] = [{"key": "header", "value": {"summary": "by hand", "description": ""}}]
            for path, data in files.items():
                if path == WEIGHTS:
                    said = {"path": path, "algo": "sha256", "oid": sent[path], "size": len(data)}
                    rows.append({"key": "lfsFile", "value": said})
                else:
                    said = {"path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"}
                    rows.append({"key": "file", "value": said})
            body = "".join(json.dumps(row) + "\n" for row in rows)
            url = f"{self.url}/api/models/{repo}/commit/main"
            answer = _good(client.post(url, content=body.encode(), headers={"Content-Type": "application/x-ndjson"}))
        return {"oid": answer.json()["commitOid"], "went_on_from": start}

    def _put(self, client: httpx2.Client, repo: str, data: bytes, oid: str, links: list[str]) -> int:
        """Send the weights, unless they are there; from which byte on."""
        if not links:
            asked = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(data)}]}
            answer = _good(client.post(f"{self.url}/{repo}.git/info/lfs/objects/batch", json=asked)).json()
            (there,) = answer["objects"]
            if "actions" not in there:
                return 0
            links.append(there["actions"]["upload"]["href"])
            start = 0
        else:
            start = int(_good(client.head(links[0])).headers["upload-offset"])
        if start == len(data):  # all of it came, the answer did not
            start = 0
        more = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        length = {"Content-Length": str(len(data) - start)}
        try:
            _good(client.put(links[0], content=_slowly(data[start:]), headers={**more, **length}))
        except httpx2.HTTPStatusError:
            links.clear()
            raise
        return start


def _slowly(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), SLOW):
        yield data[at : at + SLOW]
        time.sleep(0.01)


def _good(answer: httpx2.Response) -> httpx2.Response:
    if answer.is_error:
        raise httpx2.HTTPStatusError(answer.text[:500], request=answer.request, response=answer)
    return answer


class Failed(Exception):
    """Our command left with a code."""


class Ours(Pusher):
    """`adapterhub push`, from a store of its own; half of the times with an alias that moves on."""

    def turn(self) -> None:
        hub = Hub.open(self.folder / "mine")
        files = adapter(self.dice, self.dice.randint(200_000, 3_000_000))
        self.made += 1
        folder = write_files(self.folder / "made" / str(self.made), files)
        added = hub.add(folder, f"{self.kind}/r{self.dice.randint(1, 3)}")
        alias = ("--alias", "prod") if self.dice.random() < 0.5 else ()
        said = {"repo": added.reference.partition("@")[0], "reference": added.reference, "digest": added.digest}
        self.do("push", lambda _: self._pushed(added.reference, alias), **said, alias=bool(alias))

    def _pushed(self, reference: str, alias: tuple[str, ...]) -> dict[str, Any]:
        words = ["push", reference, "--to", f"hub+{self.url}", "--json", *alias]
        env = {**os.environ, "ADAPTERHUB_HOME": str(self.folder / "mine"), "ADAPTERHUB_TOKEN": self.token}
        command = [sys.executable, "-m", "adapterhub", *words]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"exit {done.returncode}: {done.stderr.strip()}")
        (told,) = json.loads(done.stdout)
        return {"told": told["reference"], "told_digest": told["digest"]}


KINDS: dict[str, Callable[..., Pusher]] = {
    "basic": Stranger,
    "parts": InParts,
    "xet": InParts,
    "hand": Hand,
    "keeper": Keeper,
    "ours": Ours,
}
