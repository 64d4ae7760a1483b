"""Several clients at once: nobody is told of a fault, nothing is lost, nothing is published twice."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from adapterhub.protocols.hf_hub.card import front_of
from adapterhub.reference import Name, parse
from tests.builders import adapter_files
from tests.server.routes.asking import Asking


def test_commits_to_one_repository_follow_each_other(hub):
    hub.create()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: hub.commit({f"f{n}.txt": b"%d" % n}), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    rows = hub.get("/api/models/{repo}/tree/main").json()
    assert len(rows) == 16
    assert len(hub.get("/api/models/{repo}/commits/main").json()) == 17


def test_of_two_that_insist_on_one_parent_one_is_told(hub):
    hub.create()
    parent = hub.get("/api/models/{repo}").json()["sha"]
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda n: hub.commit({f"f{n}.txt": b"x"}, parent=parent).status_code, range(4)))
    assert sorted(sent) == [200, 412, 412, 412]


def test_repositories_grow_side_by_side(hub):
    each = [Asking(hub.server, f"{hub.namespace}-{n}") for n in range(6)]

    def fill(one):
        one.create()
        return [one.commit(adapter_files(seed=seed)).status_code for seed in range(3)]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(fill, each)) == [[200] * 3] * 6
    store = hub.server.hub.desk.store
    for one in each:
        assert [str(line.reference.pin) for line in store.names.listed(parse(one.name()).name)] == ["1", "2", "3"]
    assert hub.server.hub.check().ok


def test_readers_see_a_whole_tree_while_it_changes(hub):
    hub.filled(seed=0)

    def write(seed):
        return hub.commit(adapter_files(seed=seed)).status_code

    def read(_):
        info = hub.get("/api/models/{repo}").json()
        got = hub.get(f"/{{repo}}/resolve/{info['sha']}/adapter_model.safetensors").content
        return got in {adapter_files(seed=seed)["adapter_model.safetensors"] for seed in range(6)}

    with ThreadPoolExecutor(6) as pool:
        writes, reads = pool.map(write, range(1, 6)), pool.map(read, range(30))
        assert set(writes) == {200}
        assert all(reads)


def test_one_who_sends_much_at_once_keeps_nobody_from_reading_or_writing(hub):
    hub.create()
    other = Asking(hub.server, f"{hub.namespace}-other")
    other.filled()
    token = hub.server.new_token(other.namespace, "write", other.namespace)
    with ThreadPoolExecutor(45) as pool:
        with hub.server.hub.desk.store.history.lock(Name(hub.namespace, "poet")):
            sent = [pool.submit(hub.commit, {f"f{number}.txt": b"x"}) for number in range(45)]
            time.sleep(1)  # all that can have begun
            assert other.get("/api/models/{repo}", token=token).status_code == 200
            assert other.commit({"more.txt": b"x"}, token=token).status_code == 200
        assert {one.result().status_code for one in sent} == {200}


def test_a_card_that_takes_long_is_read_once_for_all_who_ask(hub):
    card = "---\nmore: [" + ",".join(["a"] * 30_000) + "]\n---\n"

    def alone():
        began = time.monotonic()
        front_of(card)
        return time.monotonic() - began

    before = alone()
    hub.create()
    assert hub.commit({"README.md": card.encode()}).status_code == 200
    other = Asking(hub.server, f"{hub.namespace}-other")
    other.filled()
    began = time.monotonic()
    with ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(hub.get, "/api/models/{repo}") for _ in range(24)]
        assert {pool.submit(other.get, "/api/models/{repo}/tree/main").result().status_code for _ in range(3)} == {200}
        assert {one.result().status_code for one in asked} == {200}
    took = time.monotonic() - began
    assert took < 8 * max(before, alone())  # others may have come to this machine meanwhile


def test_a_token_that_ends_while_a_commit_is_on_its_way_makes_none(hub):
    """The head and a piece of the body come before the token ends, the rest after."""
    hub.create()
    before, token = hub.get("/api/models/{repo}").json()["sha"], hub.server.new_token(f"t{hub.namespace}", "write")
    row = json.dumps({"key": "header", "value": {"summary": "late"}}).encode() + b"\n"
    content = {"path": "late.txt", "content": "bGF0ZQ==", "encoding": "base64"}
    rest = json.dumps({"key": "file", "value": content}).encode() + b"\n"

    def pieces():
        yield row
        time.sleep(0.5)
        hub.server.hub.token_revoke(f"t{hub.namespace}")
        yield rest

    answer = hub.ask("POST", "/api/models/{repo}/commit/main", content=pieces(), token=token)
    assert answer.status_code == 401
    assert hub.get("/api/models/{repo}").json()["sha"] == before
