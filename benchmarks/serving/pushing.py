"""Clients that push adapters, each with bytes nobody has sent, by the requests huggingface_hub makes over LFS."""

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable
from typing import Any

from benchmarks.adapters import config, header
from benchmarks.serving.crowd import Seen, at_once, until
from benchmarks.serving.wire import Client, Failed

__all__ = ["push", "put"]

RANK = 8
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
CARD = b"---\nbase_model: org/base\nlibrary_name: peft\n---\n# An adapter\n"
Send = Callable[[Client, str, bytes], None]


def push(url: str, token: str, clients: int, begin: float, seconds: float, size: int) -> dict[str, Any]:
    """So many clients publish adapters of about `size` bytes, each in a repository of its own."""
    return _sent(url, token, clients, begin, seconds, size, _publish)


def put(url: str, token: str, clients: int, begin: float, seconds: float, size: int) -> dict[str, Any]:
    """The same bytes to a server that only keeps files: one request each."""
    return _sent(url, token, clients, begin, seconds, size, _put)


def _sent(url: str, token: str, clients: int, begin: float, seconds: float, size: int, send: Send) -> dict[str, Any]:
    end = begin + seconds

    def client(number: int, seen: Seen) -> None:
        weights = bytearray(_weights(size))
        time.sleep(max(0.0, begin - time.time()))

        def deed(turn: int) -> None:
            weights[-8:] = (number << 32 | turn).to_bytes(8, "little")
            send(at, f"push{number}/adapter{turn}", bytes(weights))
            if time.time() < end:
                seen.bytes += len(weights)

        with Client(url, token) as at:
            until(end, seen, deed)

    return at_once(clients, client).plain()


def _weights(size: int) -> bytes:
    """A safetensors file of about so many bytes, whose header is true."""
    width = max(8, size // (4 * RANK))
    return header(RANK, width, 1) + os.urandom(4 * RANK * width)


def _publish(at: Client, name: str, weights: bytes) -> None:
    namespace, _, last = name.partition("/")
    at.json("POST", "/api/repos/create", {"name": last, "organization": namespace, "type": "model"})
    small = {CONFIG: config(RANK), "README.md": CARD}
    at.json("POST", "/api/validate-yaml", {"content": CARD.decode(), "repoType": "model"})
    offered = [
        {"path": path, "size": len(data), "sample": base64.b64encode(data[:512]).decode()}
        for path, data in {**small, WEIGHTS: weights}.items()
    ]
    answers = at.json("POST", f"/api/models/{name}/preupload/main", {"files": offered})["files"]
    if (modes := {one["path"]: one["uploadMode"] for one in answers})[WEIGHTS] != "lfs":
        raise Failed(f"{name}: {modes}, wanted lfs for the weights")
    oid = hashlib.sha256(weights).hexdigest()
    _upload(at, name, oid, weights)
    at.ask(
        "POST",
        f"/api/models/{name}/commit/main",
        _lines(small, oid, len(weights)),
        {"Content-Type": "application/x-ndjson"},
    )


def _upload(at: Client, name: str, oid: str, weights: bytes) -> None:
    """LFS: where to, the bytes, whether they came."""
    asked = {"oid": oid, "size": len(weights)}
    batch = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": [asked], "hash_algo": "sha256"}
    (told,) = at.json("POST", f"/{name}.git/info/lfs/objects/batch", batch)["objects"]
    if "actions" not in told:
        raise Failed(f"{name}: the server says it has bytes that were never sent: {told}")
    at.ask("PUT", told["actions"]["upload"]["href"], weights, signed=True)
    at.ask("POST", told["actions"]["verify"]["href"], json.dumps(asked).encode(), {"Content-Type": "application/json"})


def _lines(small: dict[str, bytes], oid: str, size: int) -> bytes:
    rows: list[dict[str, Any]] = [{"key": "header", "value": {"summary": "an adapter", "description": ""}}]
    for path, data in small.items():
        content = base64.b64encode(data).decode()
        rows.append({"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}})
    rows.append({"key": "lfsFile", "value": {"path": WEIGHTS, "algo": "sha256", "oid": oid, "size": size}})
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _put(at: Client, name: str, weights: bytes) -> None:
    at.ask("PUT", f"/put/{name}", weights)
