"""Links to large files hold as long as what they stand on."""

import hashlib
import json

import pytest

from adapterhub.reference import Name
from tests.server.running import running

NAME = Name("ada", "poet")
OBJECTS = "/ada/poet.git/info/lfs/objects"
DATA = b"weights" * 1000
ASKED = {"oid": hashlib.sha256(DATA).hexdigest(), "size": len(DATA)}


@pytest.fixture
def repo(server):
    """A server with a public repository that has the file."""
    server.hub.desk.store.history.create(NAME, private=False, by="admin")
    assert server.ask("PUT", link(server, "upload"), token=None, content=DATA).status_code == 200
    row = {"key": "lfsFile", "value": {"path": "w.txt", "algo": "sha256", "oid": ASKED["oid"]}}
    body = "\n".join(map(json.dumps, ({"key": "header", "value": {"summary": "x"}}, row)))
    assert server.ask("POST", "/api/models/ada/poet/commit/main", content=body.encode()).status_code == 200
    return server


def link(server, action, token="", asked=ASKED, **more):
    body = {"operation": action, "objects": [asked], **more}
    (answer,) = server.ask("POST", f"{OBJECTS}/batch", token=token, json=body).json()["objects"]
    return answer["actions"][action]["href"].removeprefix(server.url)


def get(server, path):
    answer = server.ask("GET", path, token=None)
    assert answer.content == DATA or answer.status_code != 200
    return answer.status_code


def test_a_link_anybody_got_ends_when_the_repository_is_no_longer_for_anybody(repo):
    anybodys, admins = link(repo, "download", None), link(repo, "download")
    assert (get(repo, anybodys), get(repo, admins)) == (200, 200)
    repo.hub.desk.store.history.set_private(NAME, True)
    assert (get(repo, anybodys), get(repo, admins)) == (404, 200)


def test_a_link_ends_with_the_repository(repo):
    links = [link(repo, "download", token) for token in (None, "")]
    other = {"oid": hashlib.sha256(b"more").hexdigest(), "size": 4}
    sending = link(repo, "upload", asked=other)
    answer = repo.ask("DELETE", "/api/repos/delete", json={"name": "poet", "organization": "ada"})
    assert answer.status_code == 200
    assert [get(repo, one) for one in links] == [404, 404]
    assert repo.ask("PUT", sending, token=None, content=b"more").status_code == 404
    assert repo.ask("HEAD", sending, token=None).status_code == 404


def test_a_link_anybody_got_ends_where_nobody_may_read_without_a_token(repo, tmp_path):
    anybodys, admins = link(repo, "download", None), link(repo, "download")
    repo.stop()
    repo.options = ("--no-anonymous",)
    repo.start()
    assert (get(repo, anybodys), get(repo, admins)) == (401, 200)


def test_a_file_of_any_size_has_parts_whose_completion_fits_into_a_short_body(tmp_path):
    with running(tmp_path, part=1000, largest=10**12) as server:
        server.hub.desk.store.history.create(NAME, private=True, by="admin")
        asked = {"oid": "0" * 64, "size": 123_456_789}
        body = {"operation": "upload", "transfers": ["multipart"], "objects": [asked]}
        (answer,) = server.ask("POST", f"{OBJECTS}/batch", json=body).json()["objects"]
        header = answer["actions"]["upload"]["header"]
        size, parts = int(header.pop("chunk_size")), len(header)
        assert (parts - 1) * size < asked["size"] <= parts * size
        assert 1000 <= parts <= 2000
        etags = [{"partNumber": number + 1, "etag": f'"{"0" * 64}"'} for number in range(parts)]
        complete = answer["actions"]["upload"]["href"].removeprefix(server.url)
        said = server.ask("POST", complete, token=None, json={"oid": asked["oid"], "parts": etags})
        assert (said.status_code, "bytes are here" in said.text) == (400, True)
