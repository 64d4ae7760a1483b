"""`pull`: what a word means in the store that an entry comes to."""

from pathlib import Path

import pytest

from adapterhub.hub import Hub
from tests.builders import tiny_adapter


@pytest.fixture
def team(tmp_path: Path) -> str:
    """The URL of a registry with the versions 1, 2 and 10 of an adapter, and an alias."""
    there = Hub.open(tmp_path / "team")
    for seed, version in enumerate(("1", "2", "10")):
        there.add(tiny_adapter(tmp_path / version, seed=seed), f"ada/poet@{version}")
    there.alias("ada/poet@2", "prod")
    return f"file://{tmp_path}/team"


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def details(hub: Hub, team: str, *pins: str) -> list[str]:
    return [hub.pull([f"ada/poet@{pin}"], team)[0].detail for pin in pins]


def test_an_older_version_that_comes_later_is_the_newest_here_and_that_is_told(hub: Hub, team: str) -> None:
    told = "ada/poet means ada/poet@2 here now, and no more ada/poet@10: the newest is what came last"
    assert details(hub, team, "1", "10", "2") == ["", "", told]
    assert hub.show("ada/poet").reference == "ada/poet@2"
    assert details(hub, team, "10", "1") == ["", ""]  # they are here, and stay where they were


def test_of_several_that_come_at_once_the_one_that_is_the_newest_then_is_told(hub: Hub, team: str) -> None:
    hub.pull(["ada/poet@10"], team)
    told = {row.reference: row.detail for row in hub.pull(["ada/poet@1", "ada/poet@2"], team)}
    newest = "ada/poet means ada/poet@2 here now, and no more ada/poet@10: the newest is what came last"
    assert told == {"ada/poet@1": "", "ada/poet@2": newest}


def test_an_alias_that_was_asked_for_and_means_something_else_here_is_told(hub: Hub, team: str) -> None:
    makes = "here; `adapterhub alias ada/poet@2 prod` makes it mean the same"
    assert details(hub, team, "prod", "10", "prod") == [f"prod is no alias {makes}", "", f"prod is no alias {makes}"]
    hub.alias("ada/poet@10", "prod")
    assert details(hub, team, "prod") == [f"prod means ada/poet@10 {makes}"]
    hub.alias("ada/poet@2", "prod")
    assert details(hub, team, "prod") == [""]
