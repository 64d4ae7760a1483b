"""A disk that is nearly full: whoever sends is refused before anything is written, and what lies there is served on."""

import hashlib
import re

import pytest

from adapterhub.digest import Digest
from adapterhub.reference import Name, parse
from adapterhub.server.ingest.xet import XetIngest
from adapterhub.server.links import Links
from adapterhub.server.settings import Serving
from adapterhub.store.depots import Depots
from tests.builders import entry
from tests.protocols.xet.making import GOLDEN_NAME, GOLDEN_SHARD, GOLDEN_XORB
from tests.server.running import running

NAME = Name("ada", "poet")
OBJECTS = "/ada/poet.git/info/lfs/objects"
DATA = b"weights" * 1000
OID = hashlib.sha256(DATA).hexdigest()
COMMIT = b'{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"x","content":"x"}}\n'


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A server that keeps more of the disk free than there is of it, over a store with a version."""
    with running(tmp_path_factory.mktemp("full"), spare=1 << 60) as server:
        server.hub.desk.store.publish(entry(1), parse("ada/poet"))
        assert server.ask("GET", "/api/models/ada/poet").status_code == 200
        yield server


def linked(full, purpose, **more):
    """A link from a time when there was room."""
    (id,) = full.hub.desk.store.settings.tokens
    facts = {"repo": "ada/poet", "oid": OID, "size": len(DATA), "by": id, **more}
    return Links.of(full.hub.desk.store).sign(f"lfs-{purpose}", facts, 60)


def depot(full):
    """A depot of that time, and a token for it."""
    (id,) = full.hub.desk.store.settings.tokens
    store = full.hub.desk.store
    owner = XetIngest(store, None, Serving(), id, NAME).owner
    link = Links.of(store).sign("xet", {"by": id, "repo": ["ada", "poet"]}, 60)
    return Depots(store.layout.incoming, "xet").current(owner), link


def put(full, path, link):
    return full.ask("PUT", f"{OBJECTS}/{OID}{path}?link={link}", token=None, content=DATA)


def post(full, path, data):
    place, link = depot(full)
    return full.ask("POST", f"/cas/{place}/v1/{path}", token=link, content=data)


SENT = {
    "preupload": lambda full: full.ask("POST", "/api/models/ada/poet/preupload/main", json={"files": []}),
    "commit": lambda full: full.ask("POST", "/api/models/ada/poet/commit/main", content=COMMIT),
    "file": lambda full: put(full, "", linked(full, "put")),
    "part": lambda full: put(full, "/parts/1", linked(full, "part", start=0, end=len(DATA))),
    "xet token": lambda full: full.ask("GET", "/api/models/ada/poet/xet-write-token/main"),
    "xorb": lambda full: post(full, f"xorbs/default/{GOLDEN_NAME}", GOLDEN_XORB),
    "shard": lambda full: post(full, "shards", GOLDEN_SHARD),
}


def written(full):
    found = (path for path in full.home.glob("incoming/**/*") if path.is_file())
    return [path for path in found if path.suffix in (".part", ".tmp", ".ready", ".xorb")]


@pytest.mark.parametrize("what", SENT)
def test_whatever_is_sent_is_refused_with_what_to_do_and_not_with_how_much_is_free(full, what):
    answer = SENT[what](full)
    assert answer.status_code == (413 if what in ("xorb", "shard") else 507), answer.text
    assert re.fullmatch(r"the server's disk has no room for \d+ bytes more", answer.json()["error"])
    assert str(1 << 60) not in answer.text
    assert "sweep" in answer.json()["hint"]
    assert written(full) == []


def test_before_anything_is_sent_it_is_told_what_does_not_fit(standing):
    standing.hub.desk.store.publish(entry(1), parse("ada/poet"))
    found = standing.ask("GET", "/api/models/ada/poet/tree/main").json()
    (size,) = [row["size"] for row in found if row["path"] == "adapter_model.safetensors"]

    def ask(*files):
        rows = [{"path": path, "size": size, "sample": ""} for path, size in files]
        return standing.ask("POST", "/api/models/ada/poet/preupload/main", json={"files": rows})

    answer = ask(*((f"{number}.safetensors", 1 << 32) for number in range(1 << 13)))
    assert (answer.status_code, f"no room for {1 << 45} bytes" in answer.json()["error"]) == (507, True)
    answer = ask(("small.txt", 1), ("new.safetensors", 1 << 49))
    assert (answer.status_code, answer.json()["error"].partition(";")[0]) == (413, f"new.safetensors: {1 << 49} bytes")
    assert ask(("new.safetensors", 1 << 20), ("adapter_model.safetensors", size)).status_code == 200


def test_a_batch_says_it_of_each_object(full):
    body = {"operation": "upload", "objects": [{"oid": OID, "size": len(DATA)}]}
    (answer,) = full.ask("POST", f"{OBJECTS}/batch", json=body).json()["objects"]
    assert answer["error"]["code"] == 507
    assert f"no room for {len(DATA)} bytes more" in answer["error"]["message"]
    assert "sweep" in answer["error"]["message"]


def test_what_lies_there_is_served_on(full):
    weights = "adapter_model.safetensors"
    read = full.ask("GET", f"/ada/poet/resolve/1/{weights}")
    assert read.status_code == 200
    body = {"operation": "download", "objects": [{"oid": Digest.of(read.content).hex, "size": len(read.content)}]}
    (answer,) = full.ask("POST", f"{OBJECTS}/batch", json=body).json()["objects"]
    link = answer["actions"]["download"]["href"].removeprefix(full.url)
    assert full.ask("GET", link, token=None).content == read.content
    for path in ("/api/models", "/api/models/ada/poet/tree/main", "/api/models/ada/poet/commits/main", "/ada/poet"):
        assert full.ask("GET", path).status_code == 200


def test_what_is_small_and_what_makes_room_is_done_on(full):
    assert full.ask("POST", "/api/models/ada/poet/tag/1", json={"tag": "kept"}).status_code == 200
    assert full.ask("DELETE", "/api/models/ada/poet/tag/kept").status_code == 200
    assert full.ask("POST", "/api/repos/create", json={"name": "more", "organization": "ada"}).status_code == 200
    assert full.ask("DELETE", "/api/repos/delete", json={"name": "more", "organization": "ada"}).status_code == 200
