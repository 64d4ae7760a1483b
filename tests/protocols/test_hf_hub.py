"""A model on a Hub, read in part."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from adapterhub.errors import AdapterHubError, BadReference, Corrupt, NotFound, Refused, Unreachable
from adapterhub.formats import safetensors_header
from adapterhub.protocols.hf_hub import repository
from adapterhub.protocols.hf_hub.address import Address, parse_address
from adapterhub.protocols.hf_hub.repository import open_repository
from tests.builders import safetensors, tiny_base, write_files
from tests.protocols.hub_server import Handler, Hub, serving

NAME = "org/tiny"
WEIGHTS = "model.safetensors"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    tiny_base(tmp_path / "models" / "tiny", size=64)
    write_files(tmp_path / "models" / "tiny" / "unet", {"config.json": b"{}"})
    monkeypatch.setattr(repository, "TRIES", 0)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serving({NAME: tmp_path / "models" / "tiny"}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def opened(word: str = f"hf:{NAME}") -> Any:
    return open_repository(parse_address(word))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf:gpt2", Address("gpt2")),
        ("hf:org/na.me-1@refs/pr/1", Address("org/na.me-1", "refs/pr/1")),
        ("hf:org/sd@main#unet/", Address("org/sd", "main", "unet")),
    ],
)
def test_an_address_is_a_name_a_revision_and_a_path(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["gpt2", "hf:", "hf:a/b/c", "hf:a b", "hf:a@", "hf:a#../x", "hf:/a", "hf:a/b@x y"])
def test_what_is_no_address_says_how_one_is_written(text: str) -> None:
    with pytest.raises(BadReference) as refusal:
        parse_address(text)
    assert repr(text) in str(refusal.value)
    assert "hf:gpt2" in refusal.value.hint


def test_the_hub_tells_names_sizes_and_digests(hub: Hub) -> None:
    found, folder = opened(), hub.models[NAME]
    assert found.names() == ("config.json", WEIGHTS)
    assert found.address == Address(NAME, hub.commit(NAME))
    assert found.size(WEIGHTS) == (folder / WEIGHTS).stat().st_size
    assert found.digests == {WEIGHTS: hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()}
    assert opened(f"hf:{NAME}#unet").names() == ("config.json",)
    assert opened(f"hf:{NAME}#{WEIGHTS}").names() == (WEIGHTS,)


def test_a_header_is_read_and_no_weight(hub: Hub) -> None:
    found = opened()
    data = (hub.models[NAME] / WEIGHTS).read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    with found.open(WEIGHTS) as stream:
        read = safetensors_header.read(stream, found.size(WEIGHTS), WEIGHTS)
    assert len(read.tensors) == 2
    assert hub.sent[WEIGHTS] == max(header, repository.FIRST)


def test_a_long_header_is_read_to_its_last_byte(hub: Hub) -> None:
    names = [f"layers.{number}.a_rather_long_name.weight" for number in range(400)]
    data = safetensors(dict.fromkeys(names, ((1,), bytes(4))))
    (hub.models[NAME] / WEIGHTS).write_bytes(data)
    found = opened()
    with found.open(WEIGHTS) as stream:
        read = safetensors_header.read(stream, found.size(WEIGHTS), WEIGHTS)
    assert list(read.tensors) == names
    assert hub.sent[WEIGHTS] == 8 + int.from_bytes(data[:8], "little")


@pytest.mark.parametrize("ranges", [True, False])
def test_any_part_of_a_file_can_be_read_whether_or_not_the_server_knows_ranges(hub: Hub, ranges: bool) -> None:
    hub.ranges = ranges
    data = (hub.models[NAME] / WEIGHTS).read_bytes()
    with opened().open(WEIGHTS) as stream:
        assert stream.read(10) == data[:10]
        stream.seek(2000)
        assert stream.read(3000) == data[2000:5000]
        stream.seek(len(data) + 5)
        assert stream.read(1) == b""
        stream.seek(0)
        assert stream.read() == data


def test_a_token_is_sent_and_is_needed_for_what_is_private(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.tokens[NAME] = "hf_secret"
    with pytest.raises(NotFound, match="no such repository, or a private one") as refusal:
        opened()
    assert "HF_TOKEN" in refusal.value.hint
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with opened().open("config.json") as stream:
        assert json.loads(stream.read()) == {"model_type": "tiny"}


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "GatedRepo", Refused, "gives access only to those who asked"),
        (401, "", Refused, "access is not permitted"),
        (403, "", Refused, "access is not permitted"),
        (404, "RepoNotFound", NotFound, "no such repository"),
        (404, "", NotFound, "no such thing"),
        (500, "", Unreachable, "HTTP 500"),
        (429, "", Unreachable, "HTTP 429"),
    ],
)
def test_what_the_hub_refuses_is_an_error_of_ours(
    hub: Hub, status: int, code: str, kind: type[AdapterHubError], words: str
) -> None:
    hub.refused[NAME] = (status, code)
    with pytest.raises(kind, match=words) as refusal:
        opened()
    assert f"hf:{NAME}" in str(refusal.value)
    assert refusal.value.hint


def test_what_is_not_there_is_not_found(hub: Hub) -> None:
    with pytest.raises(NotFound, match="no such revision"):
        opened(f"hf:{NAME}@other")
    with pytest.raises(NotFound, match="no such repository"):
        opened("hf:org/none")
    with pytest.raises(NotFound, match="neither a folder nor a file there"):
        opened(f"hf:{NAME}#nowhere")


def test_a_server_that_is_not_there_is_unreachable(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=f"hf:{NAME}: "):
        opened()


def answer(data: bytes) -> Callable[[Handler], bool]:
    """Gives these bytes whatever is asked."""

    def give(handler: Handler) -> bool:
        handler.give(200, data, {"Content-Type": "application/json"})
        return True

    return give


@pytest.mark.parametrize(
    "said",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"id":"org/tiny"}',
        b'{"id":"org/tiny","sha":"a","siblings":[{"rfilename":"x"}]}',
        b"3",
    ],
)
def test_a_server_that_is_no_hub_makes_no_sense(hub: Hub, said: bytes) -> None:
    hub.fault = answer(said)
    with pytest.raises(Corrupt):
        opened()


def test_a_file_that_ends_early_is_named(hub: Hub) -> None:
    found = opened()
    hub.fault = answer(b"\x10\0\0")
    with found.open(WEIGHTS) as stream, pytest.raises(Unreachable, match=rf"{WEIGHTS}: wanted 1024 bytes from 0 on"):
        stream.read(1024)


def test_a_connection_that_breaks_in_a_file_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(handler: Handler) -> bool:
        handler.send_response(206)
        handler.send_header("Content-Length", "1024")
        handler.end_headers()
        handler.wfile.write(b"x" * 10)
        handler.close_connection = True
        return True

    found = opened()
    monkeypatch.setattr(repository, "TRIES", 2)
    hub.fault = breaks
    with found.open(WEIGHTS) as stream, pytest.raises(Unreachable, match=r"wanted 1024 bytes from 0 on, got 10"):
        stream.read(1024)


def test_the_hub_of_these_tests_is_one_for_its_own_client(hub: Hub, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    kept = huggingface_hub.hf_hub_download(NAME, WEIGHTS, cache_dir=tmp_path / "cache", endpoint=hub.url)
    assert Path(kept).read_bytes() == (hub.models[NAME] / WEIGHTS).read_bytes()
    files = huggingface_hub.HfFileSystem(endpoint=hub.url, skip_instance_cache=True)
    with files.open(f"{NAME}/{WEIGHTS}", "rb") as stream:
        assert stream.read(8) == (hub.models[NAME] / WEIGHTS).read_bytes()[:8]
