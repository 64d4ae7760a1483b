"""Headers that are read for whoever asks: never huge ones, never many at once."""

import json
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from fastapi.testclient import TestClient

from adapterhub.errors import Corrupt
from adapterhub.formats.safetensors_header import LARGEST_HEADER
from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.server import headers
from adapterhub.server.app import make_app
from adapterhub.server.headers import read_header
from adapterhub.server.settings import Serving
from tests.builders import adapter_files
from tests.verbs.hub_ground import POET, repository, send

WEIGHTS = "adapter_model.safetensors"
PATHS = (f"/api/models/{POET}/safetensors-metadata/{WEIGHTS}", f"/{POET}/blob/main/{WEIGHTS}")


def weights(count):
    """A file whose header tells of so many tensors without a number in them."""
    rows = {f"base_model.model.layer{n}.lora_A.weight": _row(0) for n in range(count)}
    text = json.dumps({"__metadata__": {f"k{n}": "v" for n in range(80)}, **rows}).encode()
    return struct.pack("<Q", len(text)) + text


def _row(size):
    return {"dtype": "F32", "shape": [size], "data_offsets": [0, 0]}


@pytest.fixture
def desk(tmp_path):
    return repository(tmp_path, private=False)


@pytest.fixture
def client(desk):
    with TestClient(make_app(desk, Serving())) as found:
        yield found


def file_of(desk):
    return desk.store.history.find(POET, "main")[1].file(WEIGHTS)


def test_a_header_above_the_limit_is_not_read(desk, client, monkeypatch):
    send(desk, {WEIGHTS: weights(200)})
    monkeypatch.setattr(headers, "LARGEST", 5000)
    with pytest.raises(TooLarge, match="bytes, and 5000 are read here"):
        read_header(desk, file_of(desk))
    told, page = map(client.get, PATHS)
    assert (told.status_code, page.status_code) == (413, 200)
    assert "too large to be shown here" in page.text
    assert "lora_A" not in page.text


def test_a_length_that_lies_is_told_as_damage(desk, monkeypatch):
    send(desk, {"other.safetensors": adapter_files()[WEIGHTS]})
    file = desk.store.history.find(POET, "main")[1].file("other.safetensors")
    path = desk.store.layout.blob(file.blob)
    path.chmod(0o644)
    path.write_bytes(b"\xff" * file.size)
    with pytest.raises(Corrupt):
        read_header(desk, file)


def test_what_is_below_is_told_and_shown_in_part(desk, client):
    send(desk, {WEIGHTS: weights(2500)})
    told, page = map(client.get, PATHS)
    assert len(told.json()["headers"][WEIGHTS]) == 2501
    assert page.text.count("lora_A") == 2000
    assert "k49: v" in page.text
    assert "k50: v" not in page.text


@pytest.mark.parametrize("path", PATHS)
def test_few_are_read_at_once(desk, client, monkeypatch, path):
    send(desk, adapter_files())
    now, most, pair = [], [], Barrier(2)

    def slow(*asked):
        now.append(1)
        pair.wait(60)  # two are let in, however long the second takes to come
        most.append(len(now))
        time.sleep(0.05)
        now.pop()
        return read_header(*asked)

    for place in ("routes.headers", "web.repository"):
        monkeypatch.setattr(f"adapterhub.server.{place}.read_header", slow)
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(client.get, [path] * 8)} == {200}
    assert (len(most), max(most)) == (8, 2)


def test_the_limit_is_far_below_what_the_format_allows():
    assert headers.LARGEST < LARGEST_HEADER / 10
