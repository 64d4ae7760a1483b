"""A Hub that only answers: moved tags, gates, pickles, and what is told when something is in the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterhub.errors import Conflict, Corrupt, NotFound, Refused, Unreachable, WrongUsage
from adapterhub.hub import Hub
from tests.builders import tiny_adapter, write_files
from tests.protocols.hub_server import Hub as Server
from tests.protocols.hub_server import serving

NAME = "bob/poet"
WORD = f"hf:{NAME}@v1"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving({NAME: tiny_adapter(tmp_path / "run", seed=1)}) as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nowhere")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield found


@pytest.fixture
def hub(tmp_path: Path, server: Server) -> Hub:
    return Hub.open(tmp_path / "mine")


def test_a_tag_that_was_moved_is_told_of_once(hub: Hub, server: Server) -> None:
    first = server.commit(NAME)
    hub.pull([WORD])
    tiny_adapter(server.models[NAME], seed=2)
    second = server.commit(NAME)
    with pytest.raises(Conflict, match=f"{WORD} was moved: it was commit {first[:12]}") as refusal:
        hub.pull([WORD])
    assert f"{NAME}@VERSION" in refusal.value.hint
    assert f"is {second[:12]} now" in hub.pull([WORD, f"{NAME}@v1-moved"])[0].detail
    assert "moved" not in hub.pull([WORD, f"{NAME}@v1-moved"])[0].detail


def test_a_repository_of_pickles_is_refused_before_a_byte_of_them_comes(hub: Hub, server: Server) -> None:
    (server.models[NAME] / "adapter_model.safetensors").rename(server.models[NAME] / "adapter_model.bin")
    with pytest.raises(Refused, match=r"adapter_model\.bin: a pickle"):
        hub.pull([WORD])
    assert "adapter_model.bin" not in server.sent


def test_a_broken_header_is_told_before_the_rest_comes(hub: Hub, server: Server) -> None:
    write_files(server.models[NAME], {"adapter_model.safetensors": b"\xff" * 5000})
    with pytest.raises(Corrupt):
        hub.pull([WORD])
    assert list(hub.list()) == []


@pytest.mark.parametrize(
    ("place", "status", "code", "error", "told"),
    [
        (NAME, 403, "GatedRepo", Refused, "gives access only to those who asked"),
        (f"{NAME}/adapter_config.json", 403, "GatedRepo", Refused, "gives access only to those who asked"),
        (f"{NAME}/adapter_config.json", 401, "GatedRepo", Refused, "gives access only to those who asked"),
        (NAME, 404, "RepoNotFound", NotFound, "or a private one, and no token was sent"),
        (NAME, 401, "", Refused, "no token was sent"),
        (NAME, 500, "", Unreachable, "HTTP 500"),
    ],
)
def test_what_is_in_the_way_is_told_apart(hub, server, place, status, code, error, told) -> None:
    server.refused[place] = (status, code)
    with pytest.raises(error, match=told) as refusal:
        hub.pull([WORD])
    assert refusal.value.hint


def test_a_private_repository_comes_with_the_token_of_huggingface_hub(hub, server, monkeypatch) -> None:
    server.tokens[NAME] = "hf_mine"
    with pytest.raises(NotFound, match="no token was sent"):
        hub.pull([WORD])
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert hub.pull([WORD])[0].reference == f"{NAME}@v1"


def test_a_file_that_differs_from_its_digest_is_never_named(hub: Hub, server: Server) -> None:
    weights = server.models[NAME] / "adapter_model.safetensors"
    served, whole = server.files(NAME), weights.read_bytes()
    weights.write_bytes(whole[:-4] + b"\x00\x00\x00\x01")
    server.files = lambda model: served  # type: ignore[method-assign]
    with pytest.raises(Corrupt, match=r"adapter_model\.safetensors: what arrived is not sha256:"):
        hub.pull([WORD])
    assert list(hub.list()) == []


def test_what_lies_there_can_be_shown_without_being_pulled(hub: Hub) -> None:
    listed = hub.show("hf:bob/poet@v1")
    assert listed.reference == f"{NAME}@v1"
    assert listed.facts.rank == 2


def test_the_address_of_its_page_means_the_same(hub: Hub, server: Server) -> None:
    commit = server.commit(NAME)
    pages = [f"{server.url}/{NAME}/tree/v1", f"{server.url}/{NAME}/tree/{commit}", "ada/mine"]
    assert [pulled.reference for pulled in hub.pull(pages)] == [f"{NAME}@v1", "ada/mine@v1"]
    with pytest.raises(WrongUsage, match="another server") as refusal:
        hub.pull([f"http://team.example/{NAME}/tree/v1"])
    assert f"adapterhub pull {NAME}@v1 --from hub+http://team.example" in refusal.value.hint


def test_only_the_adapter_is_fetched_of_all_that_lies_there(hub: Hub, server: Server) -> None:
    write_files(server.models[NAME], {"optimizer.pt": bytes(5000), "picture.png": bytes(5000), ".gitattributes": b"x"})
    hub.pull([WORD])
    assert set(server.sent) - {""} == {"adapter_config.json", "adapter_model.safetensors"}
