"""A Hub on loopback that serves models from folders, as far as reading needs it, and counts what it gives out."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".gguf", ".bin")
"""Files that lie on a Hub as large files, by their sha256."""


@dataclass
class Hub:
    """Models by name: a folder each. `refused` are answers (status, X-Error-Code) instead of a model's, or a file's.

    The tag v1 means what lies there now.

    `sent` counts the bytes that went out of each file; `asked` are paths as they came. A `fault` may answer a request
    itself and then says True.
    """

    models: dict[str, Path] = field(default_factory=dict)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges: bool = True
    fault: "Callable[[Handler], bool]" = lambda _: False
    url: str = ""

    def commit(self, model: str) -> str:
        """The commit of what lies there now."""
        return hashlib.sha1(json.dumps(sorted(self.files(model).items())).encode()).hexdigest()

    def files(self, model: str) -> Mapping[str, str]:
        """The files of a model by their path, with the sha256 of each."""
        folder = self.models[model]
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}

    def sibling(self, model: str, file: str, sha256: str, key: str = "sha256") -> dict[str, object]:
        """What the Hub tells of a file; of a large one by which digest it is stored."""
        size = (self.models[model] / file).stat().st_size
        large = {"lfs": {key: sha256, "size": size, "pointerSize": 130}} if file.endswith(LARGE) else {}
        return {"size": size, **large}


class Handler(BaseHTTPRequestHandler):
    """Answers what huggingface_hub asks to look at a model and to download it."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.do_GET()

    def do_GET(self) -> None:
        self.hub.asked.append(self.path)
        url = urlsplit(self.path)
        path = url.path.removeprefix("/api/models/").removeprefix("/")
        model = next((name for name in sorted(self.hub.models, key=len, reverse=True) if path.startswith(name)), None)
        if self.hub.fault(self):
            return
        if model is None:
            self.fail(404, "RepoNotFound")
        elif model in self.hub.refused:
            self.fail(*self.hub.refused[model])
        elif self.hub.tokens.get(model) not in (None, self.headers.get("Authorization", "")[len("Bearer ") :]):
            self.fail(401, "RepoNotFound")
        else:
            self.model, rest = model, path[len(model) :].strip("/")
            verb, _, rest = rest.partition("/")
            revision, _, file = rest.partition("/")
            if revision and unquote(revision) not in ("main", "v1", self.hub.commit(model)):
                self.fail(404, "RevisionNotFound")
            else:
                verbs = {"resolve": self.resolve, "tree": self.tree, "paths-info": self.paths, "refs": self.refs}
                verbs.get(verb, self.info)(file)

    def info(self, _: str) -> None:
        blobs = "blobs" in parse_qs(urlsplit(self.path).query)
        siblings = [
            {"rfilename": name, **(self.hub.sibling(self.model, name, sha256) if blobs else {})}
            for name, sha256 in self.hub.files(self.model).items()
        ]
        self.json({"id": self.model, "sha": self.hub.commit(self.model), "siblings": siblings})

    def refs(self, _: str) -> None:
        here = [{"name": name, "ref": name, "targetCommit": self.hub.commit(self.model)} for name in ("main", "v1")]
        self.json({"branches": here[:1], "tags": here[1:], "converts": []})

    def tree(self, _: str) -> None:
        self.json([self.entry(name, sha256) for name, sha256 in self.hub.files(self.model).items()])

    def paths(self, _: str) -> None:
        wanted = parse_qs(self.body)["paths"]
        self.json([self.entry(name, sha) for name, sha in self.hub.files(self.model).items() if name in wanted])

    def entry(self, name: str, sha256: str) -> dict[str, object]:
        return {"type": "file", "path": name, "oid": sha256[:40], **self.hub.sibling(self.model, name, sha256, "oid")}

    def resolve(self, quoted: str) -> None:
        file = unquote(quoted)
        if f"{self.model}/{file}" in self.hub.refused:
            self.fail(*self.hub.refused[f"{self.model}/{file}"])
            return
        sha256 = self.hub.files(self.model).get(file)
        if sha256 is None:
            self.fail(404, "EntryNotFound")
            return
        data = (self.hub.models[self.model] / file).read_bytes()
        tag = sha256 if file.endswith(LARGE) else sha256[:40]
        headers = {"X-Repo-Commit": self.hub.commit(self.model), "ETag": f'"{tag}"', "Accept-Ranges": "bytes"}
        if (asked := self.headers.get("Range")) and self.hub.ranges:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            piece = data[int(first) : int(last) + 1 if last else None]
            self.give(
                206,
                piece,
                {**headers, "Content-Range": f"bytes {first}-{int(first) + len(piece) - 1}/{len(data)}"},
                file,
            )
        else:
            self.give(200, data, headers, file)

    def fail(self, status: int, code: str) -> None:
        self.give(status, b'{"error":"no"}', {"X-Error-Code": code, "Content-Type": "application/json"})

    def json(self, answer: object) -> None:
        self.give(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def give(self, status: int, data: bytes, headers: Mapping[str, str], file: str = "") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.hub.sent[file] = self.hub.sent.get(file, 0) + len(data)  # before: the reader may be done at once
        try:
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(models: Mapping[str, Path]) -> Iterator[Hub]:
    """A Hub in a thread."""
    hub = Hub(dict(models))
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub})) as listener:
        listener.daemon_threads = True
        hub.url = f"http://127.0.0.1:{listener.server_port}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            listener.shutdown()
            thread.join()
