"""A server with something to lose, and what a stranger may know of it."""

import base64
import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.builders import adapter_files, tiny_base, write_files
from tests.protocols.xet.making import chunk, file, shard, term
from tests.server.running import Running, running

PRIVATE, HIDDEN, OPEN, OWN = "ada/zaubermond", "ada/verborgen", "ada/open", "eve/own"
"""The first is private and its name is known; of the second not even that; the last is the attacker's."""

WEIGHTS, PART = "adapter_model.safetensors", 300


@contextlib.contextmanager
def besieged(folder: Path) -> Iterator[tuple[Running, dict[str, Any]]]:
    """The server, and what an attack is told: words, rows, bodies, and the secrets it should not learn."""
    with running(folder, part=PART) as server:
        bases = {name: tiny_base(folder / name, seed=seed) for seed, name in enumerate(("tiny", "geheim"))}
        secrets, cards = [str(server.home), "geheim", "Mondlicht", HIDDEN, server.token.rpartition("_")[2]], []
        for seed, name in enumerate((PRIVATE, PRIVATE, HIDDEN, OPEN, OWN, OWN)):
            secret = name in (PRIVATE, HIDDEN)
            base = "geheim" if secret else "tiny"
            files = adapter_files(seed=seed, base_model_name_or_path=f"org/{base}")
            shown = server.hub.add(write_files(folder / str(seed), files), name, base=bases[base])
            commit = _commit(server, name, "Mondlicht" if secret else "Sonne")
            pins = [shown.base["card"], shown.base["weights_digest"]]
            if secret:
                blobs = [hashlib.sha256(data).hexdigest() for data in files.values()]
                secrets += [_hex(digest) for digest in (shown.digest, *pins)] + [commit, *blobs]
            else:
                cards.append(_hex(shown.base["card"]))
        server.hub.alias(f"{PRIVATE}@1", "prod")
        server.ask("PUT", f"/api/models/{OPEN}/settings", json={"visibility": "public"})
        server.ask("POST", "/api/repos/create", json={"organization": "eve", "name": "other"})  # to be moved
        head = server.ask("GET", f"/api/models/{OPEN}").json()["sha"]
        yield server, {"secrets": sorted(set(secrets)), **_told(head, cards)}


def _hex(digest: str) -> str:
    return digest.rpartition(":")[2]


def _commit(server: Running, name: str, text: str) -> str:
    """A card for a repository, and a file in a folder; the commit they come with."""
    rows = [{"key": "header", "value": {"summary": f"of {text}"}}]
    for path in ("README.md", "x/w"):
        rows.append({"key": "file", "value": {"path": path, "content": f"# {text}\n", "encoding": "utf-8"}})
    answer = server.ask("POST", f"/api/models/{name}/commit/main", content="\n".join(map(json.dumps, rows)))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["commitOid"])


def _told(head: str, cards: list[str]) -> dict[str, Any]:
    """Names, words that mean something in a field, lines of a commit, and bodies that are good ones."""
    weights = [adapter_files(seed=seed, size=8)[WEIGHTS] for seed in range(9, 40)]
    sent = {hashlib.sha256(data).hexdigest(): data for data in weights}
    oid, xorb = hashlib.sha256(weights[0]).hexdigest(), "ab" * 32
    bodies = {
        **sent,
        "/xorbs/": chunk(weights[0], 1),
        "/shards": shard(file(oid, [term(xorb, len(weights[0]), 0, 1)])),
        "nothing": b"",
        "deep": b"[" * 5000,
        "deeper": b'{"a":' * 500,
    }
    return {
        "known": _known([*sent], len(weights[0]), xorb, head) | {"card": cards},
        "places": _places(),
        "rows": _rows(weights[0], [*sent]),
        "bodies": {part: base64.b64encode(body).decode() for part, body in bodies.items()},
        "part": PART,
    }


def _places() -> list[dict[str, str]]:
    """Parameters of a path that belong together: mostly what the attacker may change."""
    pairs = [name.split("/") for name in (*[OWN] * 5, OPEN, PRIVATE)]
    places = [{"namespace": first, "repository": second} for first, second in pairs]
    return places + [{**place, "revision": "main"} for place in places for _ in range(2)]


def _rows(weights: bytes, oids: list[str]) -> list[dict[str, Any]]:
    files = {"README.md": b"---\nlicense: mit\n---\n", "x/y": b"x", WEIGHTS: weights}
    rows: list[tuple[str, dict[str, str]]] = [("header", {"summary": "a title", "description": ""})]
    for path, data in files.items():
        rows.append(("file", {"path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"}))
    large = {WEIGHTS: oids[0], "x/z": oids[1], "y/z": oids[2]}
    rows += [("lfsFile", {"path": path, "algo": "sha256", "oid": oid}) for path, oid in large.items()]
    rows += [("deletedFile", {"path": "x/y"}), ("deletedFolder", {"path": "x/"})]
    return [{"key": key, "value": value} for key, value in rows]


def _known(oids: list[str], size: int, xorb: str, head: str) -> dict[str, list[Any]]:
    revisions = [*["main"] * 6, "1", "2", "HEAD", head, "alias/prod", "refs/pr/1", "new"]
    paths = [
        *["README.md", WEIGHTS] * 2,
        "adapter_config.json",
        "adapterhub.json",
        "x/y",
        "x",
        ".adapterhub/notes/a.json",
    ]
    parts = [[{"partNumber": number, "etag": "x"} for number in range(1, count)] for count in (4, 5, 2)]
    return {
        "namespace": ["ada", "eve"], "repository": ["own", "open", "zaubermond", "new", "poet"],
        "organization": ["ada", "eve", "eve"], "name": ["new", "eve/new", "zaubermond"], "type": ["model"],
        "fromRepo": ["eve/new", "eve/other", "eve/other", PRIVATE],
        "toRepo": ["eve/new", "eve/other", "ada/new", PRIVATE],
        "revision": revisions, "branch": revisions, "tag": revisions, "startingPoint": revisions,
        "parentCommit": [head], "cursor": [head, ""], "create_pr": [False], "path": paths, "paths": [paths],
        "oid": [*oids, xorb], "size": [size, size, size, 0, 10**12], "algo": ["sha256"], "hash_algo": ["sha256"],
        "operation": ["upload", "download"], "transfers": [["basic", "multipart"]], "parts": parts,
        "link": ["x"], "number": [1, 2, 3, 0], "xorb": [xorb], "chunk": [xorb], "prefix": ["default"], "depot": ["x"],
        "sample": ["eA==", ""], "content": ["eA==", "---\nlicense: mit\n---\n"], "encoding": ["base64", "utf-8"],
        "file": ["style.css", "page.js"], "next": ["/", "//x"], "q": ["own", "rank:2", '"', "org/tiny"],
        "search": ["own", "org/tiny"], "filter": ["peft", "a,b"], "author": ["ada", "eve"], "limit": [0, 1, 10**9],
        "visibility": ["public", "private"], "summary": ["a title"], "description": [""],
    }  # fmt: skip
