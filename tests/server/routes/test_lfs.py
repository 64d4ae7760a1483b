"""Large files over the batch API: by hand, by curl, by git-lfs' rules, and by those who lie."""

import hashlib
import os
import subprocess
from urllib.parse import urlsplit

import pytest

from adapterhub.digest import Digest
from adapterhub.reference import Name
from adapterhub.server.settings import Serving

NAME = Name("ada", "poet")
OBJECTS = "/ada/poet.git/info/lfs/objects"
DATA = os.urandom(300_000)


def oid(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def repo(server):
    server.hub.desk.store.history.create(NAME, private=True, by="admin")
    return server


@pytest.fixture(scope="module")
def held(standing):
    """The same for tests that send nothing."""
    standing.hub.desk.store.history.create(NAME, private=True, by="admin")
    return standing


def batch(repo, data=DATA, token="", operation="upload", **more):
    body = {"operation": operation, "transfers": ["basic", "multipart"], "objects": [asked(data)], **more}
    return repo.ask("POST", f"{OBJECTS}/batch", token=token, json=body)


def asked(data):
    return {"oid": oid(data), "size": len(data)}


def link(repo, data=DATA, token="", action="upload", **more):
    """The path of an object's link."""
    (answer,) = batch(repo, data, token, **more).json()["objects"]
    return answer["actions"][action]["href"].removeprefix(repo.url)


def put(repo, path, data=DATA, **more):
    return repo.ask("PUT", path, token=None, content=data, **more)


def kept(repo, data=DATA):
    path = repo.hub.desk.store.layout.blob(Digest(oid(data)))
    return path.read_bytes() if path.exists() else None


def test_a_file_comes_by_its_link_without_a_token(repo):
    assert put(repo, link(repo)).status_code == 200
    assert kept(repo) == DATA
    assert repo.ask("POST", f"{OBJECTS}/{oid(DATA)}/verify", json=asked(DATA)).status_code == 200
    assert "actions" not in batch(repo).json()["objects"][0]
    assert repo.hub.check().ok


def test_what_was_uploaded_outlives_a_sweep_until_it_is_named(repo):
    put(repo, link(repo))
    assert repo.hub.sweep(0).deleted == 0
    assert kept(repo) == DATA


@pytest.mark.parametrize("data", [DATA[:-1] + b"!", DATA[:-1], DATA + b"!", b""])
def test_a_body_that_lies_is_refused_and_leaves_nothing(repo, data):
    assert put(repo, link(repo), data).status_code in (400, 413)
    assert kept(repo) is None
    assert list(repo.hub.desk.store.layout.incoming.glob("*.part")) == []


def test_a_body_of_unknown_length_that_is_too_long_is_cut_off(repo):
    answer = put(repo, link(repo), iter([DATA, DATA, b"!" * 100]))
    assert answer.status_code == 400
    assert "more than the 300000 bytes" in answer.json()["error"]
    assert kept(repo) is None


def test_an_upload_that_was_cut_goes_on_where_it_stopped(repo, tmp_path):
    path = link(repo)
    refused = put(repo, path, iter([DATA[:200_000]]))
    assert refused.status_code == 400
    assert repo.ask("HEAD", path, token=None).headers["upload-offset"] == "200000"
    (tmp_path / "file").write_bytes(DATA)
    curl = ["curl", "-sS", "--fail", "-C", "200000", "-T", str(tmp_path / "file"), f"{repo.url}{path}"]
    subprocess.run(curl, check=True, timeout=60)
    assert kept(repo) == DATA


def test_an_upload_cannot_go_on_after_bytes_that_never_came(held):
    headers = {"Content-Range": f"bytes 5-{len(DATA) - 1}/{len(DATA)}"}
    answer = put(held, link(held), DATA[5:], headers=headers)
    assert (answer.status_code, answer.json()["hint"]) == (409, "go on from 0")


def test_a_link_is_worth_one_object_and_one_method(held):
    path = link(held)
    other = path.replace(oid(DATA), oid(b"other"))
    assert put(held, other, b"other").status_code == 403
    assert put(held, path.replace("/ada/poet", "/ada/other")).status_code == 403
    assert put(held, path[:-3] + "AAA").status_code == 403
    assert held.ask("GET", path, token=None).status_code == 403
    assert put(held, f"{OBJECTS}/{oid(DATA)}").status_code == 403


def test_a_link_ends_with_the_token_it_was_made_for(repo):
    token = repo.new_token("ada", "write", "ada")
    path = link(repo, token=token)
    repo.hub.token_revoke("ada")
    assert put(repo, path).status_code == 401


def test_only_who_may_write_is_told_where_to_send(repo):
    assert batch(repo, token=None).status_code == 401  # so that git-lfs sends the password it keeps
    assert batch(repo, token=repo.new_token("bob", "write", "bob")).status_code == 404
    assert batch(repo, token=repo.new_token("reader", "read")).status_code == 403
    assert batch(repo, token="hf_ahub_nobody_x").status_code == 401
    repo.hub.desk.store.history.set_private(NAME, False)
    assert batch(repo, token=None).status_code == 401
    assert batch(repo, token=None).json()["hint"].startswith("send a token")


def test_a_digest_alone_gives_no_right_to_somebody_elses_bytes(repo):
    put(repo, link(repo))
    repo.hub.desk.store.history.create(Name("bob", "own"), private=True, by="bob")
    bob = repo.new_token("bob", "write", "bob")
    body = {"operation": "upload", "transfers": ["basic"], "objects": [asked(DATA)]}
    (answer,) = repo.ask("POST", "/bob/own.git/info/lfs/objects/batch", token=bob, json=body).json()["objects"]
    assert "upload" in answer["actions"]
    verify = f"/bob/own.git/info/lfs/objects/{oid(DATA)}/verify"
    assert repo.ask("POST", verify, token=bob, json=asked(DATA)).status_code == 404
    body = {**body, "operation": "download"}
    (answer,) = repo.ask("POST", "/bob/own.git/info/lfs/objects/batch", token=bob, json=body).json()["objects"]
    assert answer["error"]["code"] == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": "upload"},
        {"operation": "steal", "objects": []},
        {"operation": "upload", "objects": [{"oid": "../../etc/passwd", "size": 1}]},
        {"operation": "upload", "objects": [{"oid": "0" * 64, "size": -1}]},
        {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1e400}]},
        {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}] * 1001},
        [],
    ],
)
def test_a_question_that_makes_no_sense_is_a_422(held, body):
    text = str(body).replace("'", '"').replace("inf", "1e400")
    headers = {"Content-Type": "application/vnd.git-lfs+json"}
    assert held.ask("POST", f"{OBJECTS}/batch", content=text, headers=headers).status_code == 422


def test_a_file_larger_than_the_server_takes_is_refused_before_it_is_sent(held):
    body = {"operation": "upload", "objects": [{"oid": oid(DATA), "size": Serving().largest + 1}]}
    (answer,) = held.ask("POST", f"{OBJECTS}/batch", json=body).json()["objects"]
    assert answer["error"]["code"] == 422
    assert "at most 5000000000" in answer["error"]["message"]


def test_no_log_line_holds_a_signature_or_a_token(repo):
    path = link(repo)
    put(repo, path)
    repo.stop()
    text = repo.log.read_text()
    assert f"{OBJECTS}/{oid(DATA)}" in text
    for secret in (urlsplit(path).query, repo.token, repo.token.partition("_")[2]):
        assert secret not in text
