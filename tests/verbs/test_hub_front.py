"""The YAML of a card is read once, whatever its length, and what is damaged is not remembered."""

import json
from collections.abc import Callable

import pytest
import yaml

from adapterhub.verbs import hub_front
from adapterhub.verbs.hub_front import is_known, said
from adapterhub.verbs.hub_history import info
from adapterhub.verbs.hub_look import find
from adapterhub.verbs.hub_model import model
from tests.builders import adapter_files
from tests.verbs.hub_ground import POET, repository, send


def card(word: str, *, length: int = 40_000) -> bytes:
    """A card of this many characters of YAML."""
    many = ", ".join(["a"] * (length // 3))
    return f"---\nlicense: {word}\ntags: [verse]\nmore: [{many}]\n---\n# Poet\n".encode()


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What YAML is loaded, while it is."""
    loaded, load = list[str](), yaml.safe_load

    def counted(text: str) -> object:
        loaded.append(text[:40])
        return load(text)

    monkeypatch.setattr(yaml, "safe_load", counted)
    return loaded


@pytest.fixture
def ask(tmp_path) -> Callable[[], dict]:
    """A repository with a long card, and a question about it."""
    desk = repository(tmp_path)
    send(desk, {"README.md": card(tmp_path.name)})
    return lambda: model(desk, POET, info(desk, POET), *find(desk, POET, "main")).plain()


def test_a_long_card_is_read_once_for_all_questions(ask, loads):
    told = [ask() for _ in range(3)]
    assert len(loads) == 1
    assert told[0] == told[1] == told[2]
    assert told[0]["cardData"]["tags"] == ["verse"]
    assert len(told[0]["cardData"]["more"]) == 13333
    assert "verse" in told[0]["tags"]


def test_who_changes_an_answer_changes_no_other(ask):
    ask()["cardData"]["tags"].append("mine")
    assert ask()["cardData"]["tags"] == ["verse"]


def test_a_card_is_known_when_it_was_read(tmp_path, loads):
    desk = repository(tmp_path)
    send(desk, {"README.md": card(tmp_path.name, length=30)})
    _, commit = find(desk, POET, "main")
    assert not is_known(commit)
    first = said(desk, commit)
    assert is_known(commit)
    assert said(desk, commit) == first
    assert len(loads) == 1


def test_the_same_card_elsewhere_is_known_and_another_is_not(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"README.md": card("mit", length=60)})
    said(desk, find(desk, POET, "main")[1])
    send(desk, {"README.md": card("mit", length=60), "a.txt": b"a"})
    assert is_known(find(desk, POET, "main")[1])
    send(desk, {"README.md": card("bsd", length=66)})
    assert not is_known(find(desk, POET, "main")[1])


def test_without_a_card_there_is_nothing_to_read(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"a.txt": b"a"})
    _, commit = find(desk, POET, "main")
    assert is_known(commit)
    assert said(desk, commit)[0] == {}


def test_a_damaged_card_says_nothing_until_it_is_whole_again(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"README.md": card(tmp_path.name, length=90)})
    _, commit = find(desk, POET, "main")
    path = desk.store.layout.blob(commit.file("README.md").blob)
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(b"x" * len(data))
    assert said(desk, commit)[0] == {}
    path.write_bytes(data)
    assert said(desk, commit)[0]["tags"] == ["verse"]


def test_so_many_cards_are_remembered_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(hub_front, "KEPT", 3)
    monkeypatch.setattr(hub_front, "_KNOWN", {})
    desk = repository(tmp_path)
    commits = []
    for number in range(5):
        send(desk, {"README.md": card(f"word{number}", length=9)})
        commits.append(find(desk, POET, "main")[1])
        said(desk, commits[-1])
    assert list(map(is_known, commits)) == [False, False, True, True, True]


@pytest.mark.parametrize("key", ["base_model_name_or_path", "task_type", "peft_type"])
def test_a_config_with_half_a_surrogate_pair_can_be_told_of(tmp_path, key):
    desk = repository(tmp_path)
    config = {**json.loads(adapter_files()["adapter_config.json"]), key: "\ud800"}
    send(desk, {"adapter_config.json": json.dumps(config).encode()})
    told = model(desk, POET, info(desk, POET), *find(desk, POET, "main")).plain()
    assert json.dumps(told, ensure_ascii=False).encode()
