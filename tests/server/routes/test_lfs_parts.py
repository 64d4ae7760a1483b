"""Large files in parts, as the Hub's own client sends them, and by hand."""

import hashlib
import os
import time
from math import ceil

import pytest

from adapterhub.digest import Digest
from adapterhub.reference import Name
from adapterhub.server.claims import KEPT
from tests.server.running import running

NAME = Name("ada", "poet")
DATA = os.urandom(250_000)
OID = hashlib.sha256(DATA).hexdigest()
PART = 100_000


@pytest.fixture
def repo(tmp_path):
    with running(tmp_path, part=PART) as server:
        server.hub.desk.store.history.create(NAME, private=True, by="admin")
        yield server


def upload(repo, data=DATA, oid=OID, *others):
    objects = [{"oid": oid, "size": len(data)}, *others]
    body = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": objects}
    answer = repo.ask("POST", "/ada/poet.git/info/lfs/objects/batch", json=body).json()
    assert answer["transfer"] == "multipart"
    return answer["objects"][0]["actions"]["upload"]


def parts(action):
    return [url for number, url in sorted(action["header"].items()) if number.isdigit()]


def send(repo, url, data):
    return repo.ask("PUT", url.removeprefix(repo.url), token=None, content=data)


def complete(repo, action, etags):
    said = {"oid": OID, "parts": [{"partNumber": number, "etag": etag} for number, etag in enumerate(etags, 1)]}
    return repo.ask("POST", action["href"].removeprefix(repo.url), token=None, json=said)


def pieces(data=DATA):
    return [data[at : at + PART] for at in range(0, len(data), PART)]


def kept(repo):
    return repo.hub.desk.store.layout.blob(Digest(OID)).exists()


def test_links_for_much_live_until_a_slow_line_has_brought_it(repo, tmp_path):
    with running(tmp_path / "hasty", part=PART, link=1.0) as hasty:
        hasty.hub.desk.store.history.create(NAME, private=True, by="admin")
        action = upload(hasty, DATA, OID, {"oid": "0" * 64, "size": 10**8})
        time.sleep(2)
        etags = [send(hasty, url, data).headers["etag"] for url, data in zip(parts(action), pieces(), strict=True)]
        assert complete(hasty, action, etags).status_code == 200
    much = {"operation": "upload", "objects": [{"oid": f"{i:064x}", "size": 5 * 10**9} for i in range(100)]}
    for each in repo.ask("POST", "/ada/poet.git/info/lfs/objects/batch", json=much).json()["objects"]:
        assert each["actions"]["upload"]["expires_in"] == KEPT


def test_parts_in_any_order_make_a_file(repo):
    action = upload(repo)
    assert len(parts(action)) == ceil(len(DATA) / PART)
    sent = {i: send(repo, parts(action)[i], pieces()[i]).headers["etag"] for i in (2, 0, 1)}
    assert complete(repo, action, [sent[i] for i in range(3)]).status_code == 200
    assert kept(repo)
    assert list(repo.hub.desk.store.layout.incoming.glob("*.tmp")) == []


def test_a_file_with_a_part_missing_is_not_completed_and_can_be_later(repo):
    action = upload(repo)
    etags = [send(repo, parts(action)[i], pieces()[i]).headers["etag"] for i in (0, 1)]
    assert complete(repo, action, etags).status_code == 400
    assert complete(repo, action, [*etags, "x"]).status_code == 400
    etags.append(send(repo, parts(action)[2], pieces()[2]).headers["etag"])
    assert complete(repo, action, etags).status_code == 200
    assert kept(repo)


def test_parts_that_make_another_file_are_refused_and_dropped(repo):
    action = upload(repo)
    etags = [
        send(repo, url, b"!" * len(piece)).headers["etag"] for url, piece in zip(parts(action), pieces(), strict=True)
    ]
    answer = complete(repo, action, etags)
    assert (answer.status_code, kept(repo)) == (400, False)
    assert "nothing of it was kept" in answer.json()["error"]
    assert list(repo.hub.desk.store.layout.incoming.glob("*.tmp")) == []


def test_a_part_larger_or_smaller_than_its_place_is_refused(repo):
    first = parts(upload(repo))[0]
    assert send(repo, first, DATA[: PART + 1]).status_code == 413
    assert send(repo, first, DATA[: PART - 1]).status_code == 400
    assert send(repo, first, iter([DATA[:PART], b"!"])).status_code == 400


@pytest.mark.filterwarnings("ignore:Use 'content")
def test_the_hubs_own_client_sends_parts(repo, tmp_path):
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.lfs import lfs_upload

    (tmp_path / "file").write_bytes(DATA)
    operation = CommitOperationAdd("adapter_model.safetensors", str(tmp_path / "file"))
    lfs_upload(operation, {"oid": OID, "size": len(DATA), "actions": {"upload": upload(repo)}}, token=repo.token)
    assert kept(repo)


def test_a_file_that_was_completed_is_completed_again_after_a_restart(repo):
    action = upload(repo)
    etags = [send(repo, url, piece).headers["etag"] for url, piece in zip(parts(action), pieces(), strict=True)]
    assert complete(repo, action, etags).status_code == 200
    repo.stop()
    repo.start()
    assert complete(repo, action, etags).status_code == 200  # its answer may have been lost
    assert list(repo.hub.desk.store.layout.incoming.glob("*.tmp")) == []
