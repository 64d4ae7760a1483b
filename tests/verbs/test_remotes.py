"""`remote add, list, remove, test`."""

from pathlib import Path

import pytest

from adapterhub.errors import BadReference, Conflict, NotFound
from adapterhub.hub import Hub
from tests.builders import tree
from tests.verbs.team_ground import team_hub


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return team_hub(tmp_path)


def test_a_remote_with_a_password_is_not_remembered(hub: Hub) -> None:
    with pytest.raises(BadReference, match="holds a name and a password"):
        hub.remote_add("web", "https://ada:secret@host/x")
    assert "secret" not in (hub.store / "settings.json").read_text()


def test_remotes_are_remembered_listed_tested_and_forgotten(hub: Hub, tmp_path: Path) -> None:
    hub.push(["ada/poet", "ada/x"])
    assert [(row.name, row.url) for row in hub.remote_list()] == [("team", f"file://{tmp_path}/team")]
    assert hub.remote_test("team").kind == "writable, 2 versions"
    hub.remote_add("team", f"file://{tmp_path}/team")
    with pytest.raises(Conflict, match="the remote team is there already"):
        hub.remote_add("team", "file:///elsewhere")
    before = tree(tmp_path / "team")
    hub.remote_remove("team")
    assert (hub.remote_list(), tree(tmp_path / "team")) == ([], before)
    with pytest.raises(NotFound, match="no remote is called 'team'"):
        hub.remote_remove("team")


@pytest.mark.parametrize("name", ["hf", "sha256", "a b", "", "a/b", "x--y"])
def test_a_remotes_name_is_a_word_that_means_nothing_else(hub: Hub, name: str) -> None:
    before = tree(hub.store)
    with pytest.raises(BadReference):
        hub.remote_add(name, "file:///srv")
    with pytest.raises(BadReference):
        hub.remote_add("fine", "no url")
    assert tree(hub.store) == before


def test_an_address_in_the_place_of_a_remotes_name_is_told_the_order(hub: Hub) -> None:
    with pytest.raises(BadReference, match="address of a remote, where its name is wanted") as refusal:
        hub.remote_add("hub+http://team:8000", "team")
    assert refusal.value.hint == "the name comes first: adapterhub remote add NAME URL"
