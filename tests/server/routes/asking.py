"""Requests to a running server, as a client without a library makes them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.builders import adapter_files
from tests.server.running import Running


@dataclass(frozen=True)
class Asking:
    """A server, and the namespace a test works in."""

    server: Running
    namespace: str

    def name(self, name: str = "poet") -> str:
        return f"{self.namespace}/{name}"

    def get(self, path: str, **more: Any) -> httpx2.Response:
        """A GET; `{repo}` in the path stands for the repository."""
        return self.server.ask("GET", path.replace("{repo}", self.name()), **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Any other request."""
        return self.server.ask(method, path.replace("{repo}", self.name()), **more)

    def create(self, name: str = "poet", **more: Any) -> str:
        """A new repository."""
        answer = self.ask("POST", "/api/repos/create", json={"name": name, "organization": self.namespace, **more})
        assert answer.status_code == 200, answer.text
        return self.name(name)

    def commit(self, files: Mapping[str, bytes] | None = None, *, parent: str | None = None, **more: Any) -> Any:
        """A commit of small files on main."""
        header: dict[str, Any] = {"summary": "a commit", "description": ""}
        rows = [{"key": "header", "value": {**header, **({"parentCommit": parent} if parent else {})}}]
        for path, data in (files or {}).items():
            content = base64.b64encode(data).decode()
            rows.append({"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}})
        body = "".join(json.dumps(row) + "\n" for row in rows)
        headers = {"Content-Type": "application/x-ndjson"}
        return self.ask("POST", "/api/models/{repo}/commit/main", content=body, headers=headers, **more)

    def filled(self, seed: int = 0) -> dict[str, bytes]:
        """A repository with an adapter and a card; its files."""
        files = {**adapter_files(seed=seed), "README.md": b"# Poet\n", "in/notes.txt": b"hello world\n"}
        self.create()
        answer = self.commit(files)
        assert answer.status_code == 200, answer.text
        return files
