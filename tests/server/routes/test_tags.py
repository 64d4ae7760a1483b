"""An alias moves in one request where it is said what it means; every other tag stays as it is."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.builders import adapter_files


@pytest.fixture
def versions(hub):
    """A repository with the versions 1 to 3; the alias prod means 1."""
    hub.create()
    for seed in range(3):
        assert hub.commit(adapter_files(seed=seed)).status_code == 200
    assert move(hub, "1").status_code == 200
    return hub


def move(hub, version, tag="alias/prod", **said):
    return hub.ask("POST", f"/api/models/{{repo}}/tag/{version}", json={"tag": tag, **said})


def meant(hub):
    """What the alias prod means, for whoever asks."""
    told = hub.get("/api/models/{repo}").json()["adapterhub"]["versions"]
    return [one["version"] for one in told if "prod" in one["aliases"]]


def test_an_alias_moves_from_what_it_is_said_to_mean(versions):
    assert move(versions, "2", expect="1").status_code == 200
    refused = move(versions, "3", expect="1")
    assert (refused.status_code, refused.json()["error"]) == (
        409,
        f"{versions.name()}: the alias prod means 2, not 1",
    )
    assert move(versions, "3", expect="").status_code == 409
    assert meant(versions) == ["2"]
    assert move(versions, "3", tag="alias/next", expect="").status_code == 200


@pytest.mark.parametrize("said", [{}, {"expect": None}, {"message": "moved"}])
def test_who_expects_nothing_hears_that_it_is_there(versions, said):
    assert move(versions, "2", **said).status_code == 409
    assert meant(versions) == ["1"]


def test_a_version_is_not_moved_by_expecting_it(versions):
    assert move(versions, "3", tag="2", expect="2").status_code == 400
    assert move(versions, "3", tag="alias/prod", expect=1).status_code in (400, 422)


def test_of_several_movers_one_wins_and_no_reader_misses_the_alias(versions):
    commits = {versions.get(f"/api/models/{{repo}}/revision/{version}").json()["sha"] for version in "123"}

    def read(_):
        answer = versions.get("/api/models/{repo}/revision/alias%2Fprod")
        return answer.status_code, answer.json().get("sha") in commits

    with ThreadPoolExecutor(10) as pool:
        for now, then in (("1", "23"), (None, "12"), (None, "31")):
            (now,) = [now] if now else meant(versions)
            movers = [pool.submit(move, versions, version, expect=now) for version in then * 2 if version != now]
            readers = list(pool.map(read, range(10)))
            answers = [mover.result().status_code for mover in movers]
            assert sorted(answers) == [200] + [409] * (len(answers) - 1)
            assert set(readers) == {(200, True)}
