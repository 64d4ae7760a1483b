"""Several clients at once: nobody is told of a fault, nothing is lost, nothing is published twice."""

from concurrent.futures import ThreadPoolExecutor

from adapterhub.reference import parse
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
