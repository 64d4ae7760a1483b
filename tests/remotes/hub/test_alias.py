"""Our client moves an alias on a server of ours by compare-and-set: in one request, and of two one wins."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapterhub.errors import AdapterHubError, Conflict
from adapterhub.hub import Hub
from adapterhub.registry import Registry
from adapterhub.remotes import hub_alias
from adapterhub.remotes.table import open_remote
from tests.builders import POET, entry, tiny_adapter
from tests.server.running import Running


@pytest.fixture
def remote(server: Running) -> Registry:
    """Versions 1 to 3 on the server, of which the alias prod means the first."""
    remote = open_remote(f"hub+{server.url}")
    for seed in range(3):
        remote.publish(entry(seed), POET)
    remote.alias(POET.at("1"), "prod")
    return remote


def writes(server: Running, since: int) -> list[str]:
    """The methods of the requests that change something, from a line of the log on."""
    return [line["method"] for line in server.lines()[since:] if line.get("method") not in (None, "GET", "HEAD")]


def meant(server: Running) -> dict[str, str]:
    return server.hub.desk.store.names.aliases(POET.name)


def meanwhile(monkeypatch: pytest.MonkeyPatch, deed: object) -> None:
    """Somebody else does something between the look and the move, once."""
    move, done = hub_alias._swap, []

    def late(*words: object) -> None:
        if not done:
            done.append(deed())
        move(*words)

    monkeypatch.setattr(hub_alias, "_swap", late)


@pytest.mark.parametrize("expect", ["1", None])
def test_an_alias_moves_by_one_request(remote: Registry, server: Running, expect: str | None) -> None:
    before = len(server.lines())
    assert remote.alias(POET.at("2"), "prod", expect).aliases == ("prod",)
    assert writes(server, before) == ["POST"]
    assert meant(server) == {"prod": "2"}


def test_a_push_with_an_alias_moves_it_by_one_request(remote: Registry, server: Running, tmp_path: Path) -> None:
    mine = Hub.open(tmp_path / "mine")
    mine.add(tiny_adapter(tmp_path / "run", seed=7), "ada/poet")
    mine.push(["ada/poet"], f"hub+{server.url}", next_version=True, aliases=["prod"])
    assert "DELETE" not in writes(server, 0)
    assert meant(server) == {"prod": "4"}


def test_of_several_who_move_an_alias_from_what_it_means_one_wins(remote: Registry, server: Running) -> None:
    def move(version: str) -> object:
        try:
            return open_remote(f"hub+{server.url}").alias(POET.at(version), "prod", "1")
        except AdapterHubError as error:
            return error

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(move, "232323"))
    (won,) = [one for one in answers if not isinstance(one, AdapterHubError)]
    assert [type(one) for one in answers if one is not won] == [Conflict] * 5
    assert meant(server) == {"prod": won.reference.pin}


def test_who_is_overtaken_hears_what_the_alias_means_now(remote: Registry, server: Running, monkeypatch) -> None:
    meanwhile(monkeypatch, lambda: server.hub.alias("ada/poet@3", "prod", "1"))
    with pytest.raises(Conflict, match="the alias prod means 3, not 1"):
        remote.alias(POET.at("2"), "prod", "1")
    assert meant(server) == {"prod": "3"}


def test_who_expects_nothing_in_particular_looks_again(remote: Registry, server: Running, monkeypatch) -> None:
    meanwhile(monkeypatch, lambda: server.hub.alias("ada/poet@3", "prod", "1"))
    assert remote.alias(POET.at("2"), "prod").aliases == ("prod",)
    assert meant(server) == {"prod": "2"}


def test_a_strangers_hub_moves_it_by_going_and_coming(stranger: Running) -> None:
    remote = open_remote(f"hub+{stranger.url}")
    for seed in range(2):
        remote.publish(entry(seed), POET)
    remote.alias(POET.at("1"), "prod", "")
    before = len(stranger.lines())
    remote.alias(POET.at("2"), "prod", "1")
    assert writes(stranger, before) == ["POST", "DELETE", "POST"]
    assert meant(stranger) == {"prod": "2"}
