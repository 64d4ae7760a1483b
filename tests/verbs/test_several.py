"""Words with a star: every entry that they match, oldest first."""

from pathlib import Path

import pytest

from adapterhub.errors import BadReference, NotFound, WrongUsage
from adapterhub.hub import Hub
from adapterhub.verbs.several import several
from tests.builders import tiny_adapter
from tests.remotes.servers import serving


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """Three versions of one adapter, two of another, one of a third in another namespace; and a remote."""
    hub = Hub.open(tmp_path / "store")
    names = ("ada/poet@1", "ada/poet@10", "ada/poet@2", "ada/chat@v1", "ada/chat@v2", "bob/poet@1")
    for seed, name in enumerate(names):
        hub.add(tiny_adapter(tmp_path / str(seed), seed=seed), name)
    hub.alias("ada/poet@10", "prod")
    hub.alias("bob/poet@1", "prod")
    hub.remote_add("team", f"file://{tmp_path}/team")
    return hub


def pushed(hub: Hub, *words: str) -> list[str]:
    return [row.reference for row in hub.push(words)]


def test_a_star_is_the_newest_of_each_adapter_and_in_a_pin_each_version(hub: Hub) -> None:
    assert pushed(hub, "ada/*") == ["ada/chat@v2", "ada/poet@2"]
    assert pushed(hub, "*/poet") == ["ada/poet@2", "bob/poet@1"]
    assert pushed(hub, "ada/poet@*") == ["ada/poet@1", "ada/poet@10", "ada/poet@2"]
    assert pushed(hub, "ada/*@v*", "bob/poet", "*/*@prod") == [
        "ada/chat@v1",
        "ada/chat@v2",
        "bob/poet@1",
        "ada/poet@10",
        "bob/poet@1",
    ]


def test_what_is_newest_here_is_newest_there(hub: Hub, tmp_path: Path) -> None:
    pushed(hub, "*@*")
    other = Hub.open(tmp_path / "other")
    other.remote_add("team", f"file://{tmp_path}/team")
    assert [row.reference for row in other.pull(["team:ada/*@*"])] == pushed(hub, "ada/*@*")
    assert [other.show(name).reference for name in ("ada/poet", "ada/chat")] == ["ada/poet@2", "ada/chat@v2"]


def test_a_site_is_pulled_from_by_its_catalog(hub: Hub, tmp_path: Path) -> None:
    pushed(hub, "ada/*@*")
    Hub.open(tmp_path / "team").catalog()
    with serving(tmp_path / "team") as server:
        rows = Hub.open(tmp_path / "fresh").pull(["ada/*", "*/chat@v1"], server.url)
    assert [row.reference for row in rows] == ["ada/chat@v2", "ada/poet@2", "ada/chat@v1"]


def test_words_without_a_star_are_left_as_they_are(hub: Hub) -> None:
    words = ["hf:org/poet@v1", "ada/poet", "hf:org/poet@v2", "ada/poet", "hf:org/many#a", "ada/x"]
    assert several(hub.desk, words, "--from", lambda remote: ()) == words


@pytest.mark.parametrize("place", ["hf:org/poet", "https://huggingface.co/org/poet"])
def test_a_star_is_no_name_for_a_place_on_the_hub(hub: Hub, place: str) -> None:
    with pytest.raises(WrongUsage, match="will be called"):
        several(hub.desk, [place, "ada/*"], "--from", lambda remote: hub.desk.store.list())


@pytest.mark.parametrize(
    ("word", "error", "told"),
    [
        ("eve/*", NotFound, "matches nothing"),
        ("ada/*@v9*", NotFound, "matches nothing"),
        ("ada/*@sha256:*", WrongUsage, "a star stands in a name or a version"),
        ("hf:ada/*", WrongUsage, "a star stands in a name or a version"),
        ("https://host/ada/*", WrongUsage, "a star stands in a name or a version"),
        ("team:ada/*", BadReference, "what is in the store is pushed"),
        ("team", WrongUsage, "team is a remote, where an entry is wanted"),
    ],
)
def test_a_word_that_cannot_be_meant_sends_nothing(
    hub: Hub, tmp_path: Path, word: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        hub.push(["ada/poet", word])
    assert not (tmp_path / "team").exists()


def test_what_is_missing_in_a_remote_is_told_with_its_list(hub: Hub) -> None:
    pushed(hub, "ada/*")
    with pytest.raises(NotFound) as refusal:
        hub.pull(["team:eve/*"])
    assert refusal.value.hint == "`adapterhub list --remote team` shows what there is"
