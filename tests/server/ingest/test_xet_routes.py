"""Who may upload chunks, and what becomes of requests that lie."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from adapterhub.digest import Digest
from adapterhub.protocols.xet.shard import LARGEST_SHARD
from adapterhub.protocols.xet.xorb import LARGEST_CHUNK, LARGEST_XORB
from adapterhub.reference import Name
from adapterhub.server.links import Links
from adapterhub.store.store import Store
from tests.protocols.xet.making import GOLDEN_NAME, GOLDEN_SHARD, GOLDEN_XORB, POEM, chunk, file, named, shard, term
from tests.server.ingest.sending import shard_of
from tests.server.running import WAIT, Running


class Upload:
    """Requests by hand."""

    def __init__(self, server: Running, token: str = "", repository: str = "ada/poet") -> None:
        path = f"/api/models/{repository}/xet-write-token/None?create_pr=1"
        self.answer = server.ask("GET", path, token=token)
        told = self.answer.json()
        self.token, self.place = told.get("accessToken", ""), told.get("casUrl", "")

    def post(
        self, path: str, data: Any = b"", token: str | None = "", place: str = "", timeout: float = 60
    ) -> httpx2.Response:
        word = self.token if token == "" else token
        headers = {"Authorization": f"Bearer {word}".encode()} if word else {}
        with httpx2.Client(timeout=timeout, trust_env=False) as client:
            return client.post(f"{place or self.place}{path}", content=data, headers=headers)


XORB, SHARD = f"/v1/xorbs/default/{GOLDEN_NAME}", "/v1/shards"


def test_the_answers_are_those_the_clients_read(served: Running) -> None:
    upload = Upload(served)
    told, headers = upload.answer.json(), upload.answer.headers
    assert (headers["X-Xet-Access-Token"], headers["X-Xet-Cas-Url"]) == (told["accessToken"], told["casUrl"])
    assert int(headers["X-Xet-Token-Expiration"]) == told["exp"] > time.time()
    assert upload.post(XORB, GOLDEN_XORB).json() == {"was_inserted": True}
    assert upload.post(XORB.replace("default", "default-merkledb"), GOLDEN_XORB).json() == {"was_inserted": False}
    assert upload.post("/v2/shards", GOLDEN_SHARD).status_code == 404
    assert upload.post(f"/v1/xorb-grants/default/{GOLDEN_NAME}", b"{}").status_code == 404
    assert served.ask("GET", f"/cas/{'0' * 8}/v1/chunks/default/{GOLDEN_NAME}").status_code == 404
    assert upload.post(SHARD, GOLDEN_SHARD).json() == {"result": 1}
    assert Store(served.home).blobs.has(Digest.of(POEM))


def test_who_may_not_write_gets_no_token_for_it(served: Running) -> None:
    other, reader = served.new_token("bob", "write", "bob"), served.new_token("ann", "read")
    for word, repository, status in [
        (None, "ada/poet", 404),
        (None, "ada/open", 401),
        (other, "ada/poet", 404),
        (other, "ada/open", 403),
        (reader, "ada/poet", 403),
        ("nobody", "ada/poet", 401),
        ("", "ada/none", 404),
    ]:
        answer = Upload(served, word, repository).answer
        assert (repository, answer.status_code) == (repository, status)
        assert "casUrl" not in answer.text


def test_a_token_for_chunks_is_good_for_its_own_uploads_alone(served: Running) -> None:
    bob = served.new_token("bob", "write", "ada")
    mine, other, his = Upload(served), Upload(served, repository="ada/open"), Upload(served, bob)
    assert len({mine.place, other.place, his.place}) == 3
    for path, data in ((XORB, GOLDEN_XORB), (SHARD, GOLDEN_SHARD)):
        assert mine.post(path, data, token=None).status_code == 401
        assert mine.post(path, data, token=served.token).status_code == 403
        assert mine.post(path, data, token=mine.token[:-2] + "AA").status_code == 403
        for stranger in (other, his):
            assert mine.post(path, data, token=stranger.token).status_code == 404
    served.hub.token_revoke("bob")
    assert his.post(XORB, GOLDEN_XORB).status_code == 401
    assert not list(served.home.glob("incoming/xet/*/*/*.xorb"))


def test_a_token_that_has_ended_opens_nothing(served: Running) -> None:
    ended = Links.of(Store(served.home)).sign("xet", {"by": "x", "repo": ["ada", "poet"]}, -1)
    elsewhere = Links.of(Store(served.home)).sign("lfs", {"by": "x", "repo": ["ada", "poet"]}, 60)
    for word in (ended, elsewhere, ".", "a.b", "é"):
        assert Upload(served).post(XORB, GOLDEN_XORB, token=word).status_code == 403


def test_bodies_and_paths_that_lie_are_refused_and_leave_nothing(served: Running) -> None:
    upload = Upload(served)
    for path, data, status in [
        (XORB, b"", 400),
        (XORB, b"poet", 400),
        (XORB, bytes(LARGEST_XORB + 1), 413),
        (SHARD, b"", 400),
        (SHARD, b"poet", 400),
        (SHARD, shard_of(b"p" * 4000, *[(GOLDEN_NAME, 1, 0, 1)] * 4000), 400),
        (SHARD, bytes(LARGEST_SHARD + 1), 413),
        ("/v1/xorbs/default/..%2f..%2fpoet", GOLDEN_XORB, 400),
        (f"/v1/xorbs/default/{'0' * 63}", GOLDEN_XORB, 400),
        (f"/v1/xorbs/default/{'A' * 64}", GOLDEN_XORB, 400),
    ]:
        answer = Upload(served).post(path, data)
        assert (path, answer.status_code) == (path, status)
        assert answer.json()["error"]
    for place in ("/cas/..", "/cas/%2e%2e", "/cas/nothing", f"/cas/{named('a')}", "/cas/lock"):
        assert upload.post(SHARD, GOLDEN_SHARD, place=served.url + place).status_code in (400, 404, 405)
    assert not [path for path in served.home.rglob("*") if path.suffix in (".xorb", ".tmp", ".ready", ".part")]
    assert served.hub.check().ok


def test_a_body_that_is_cut_leaves_nothing(served: Running) -> None:
    upload = Upload(served)

    def half() -> Iterator[bytes]:
        yield GOLDEN_XORB[:20]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        upload.post(XORB, half())
    deadline = time.monotonic() + WAIT
    while list(served.home.glob("incoming/xet/*/*/.*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert {path.name for path in served.home.glob("incoming/xet/*/*/*")} == {"lock"}


def test_a_server_stops_to_make_much_of_little_when_its_client_has_gone(served: Running) -> None:
    upload, each, many = Upload(served), 8 * LARGEST_CHUNK, 3000
    impatient = httpx2.Timeout(WAIT, read=0.5)
    assert upload.post(XORB, chunk(bytes(LARGEST_CHUNK), 1) * 8).status_code == 200
    with pytest.raises(httpx2.ReadTimeout):
        upload.post(SHARD, shard(file(named("a"), [term(GOLDEN_NAME, each, 0, 8)] * many)), timeout=impatient)
    deadline = time.monotonic() + WAIT
    while not (said := [line for line in served.lines() if "/v1/shards" in line.get("path", "")]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert said[0]["status"] == 400
    assert not list(served.home.glob("incoming/*.tmp"))
    assert Upload(served).place == upload.place


def test_many_requests_at_once_are_all_answered(served: Running) -> None:
    """First uploads of several repositories, each cleaning up before, then xorbs that come to one depot together."""
    names = [Name("ada", f"poet{number}") for number in range(12)]
    for name in names:
        Store(served.home).history.create(name, private=True, by="ada")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: Upload(served, repository=str(name)).answer, names * 4))
        assert {answer.status_code for answer in answers} == {200}
        upload = Upload(served)
        paths = [f"/v1/xorbs/default/{named(str(number))}" for number in range(200)]
        assert {answer.status_code for answer in pool.map(lambda path: upload.post(path, GOLDEN_XORB), paths)} == {200}


def test_no_log_line_holds_a_token(served: Running) -> None:
    upload = Upload(served)
    upload.post(XORB, GOLDEN_XORB)
    upload.post(SHARD, GOLDEN_SHARD)
    log = served.log.read_text()
    assert upload.token not in log
    assert served.token not in log
