"""A line that breaks in the middle of a large file: clients go on where they were, as far as they know how to."""

import hashlib

import pytest

from adapterhub.digest import Digest
from tests.clients.cutting import line
from tests.clients.driving import Client
from tests.clients.environments import HUBS

WEIGHTS = "adapter_model.safetensors"
HALF, LATE, LITTLE = 6_000_000, 11_000_000, 700_000
"""Where the line breaks in an upload, and in a download: of that huggingface_hub keeps what came in whole 10 MiB. What
was on its way at a cut, with questions and answers, is little.
"""


@pytest.fixture
def file(large):
    found = large / WEIGHTS
    assert 12_000_000 < found.stat().st_size < 12_010_000
    return found


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("version", HUBS)
def test_a_download_goes_on_where_the_line_broke(version, served, namespace, large, file, tmp_path):
    served.hub.add(large, f"{namespace}/large")
    with line(served.url, "down", LATE) as broken:
        client = Client(f"hub-{version}", tmp_path / "home", broken.url, served.token)
        words = ("one_file.py", "down", f"{namespace}/large", tmp_path / "cache")
        found = client(*words)
        if version == HUBS[0]:  # goes on only when it is called again
            assert "refused" in found
            found = client(*words)
    assert (found, broken.cuts) == ({"sha256": sha256(file)}, 1)
    assert broken.down < file.stat().st_size + LITTLE


@pytest.mark.parametrize("version", HUBS)
def test_an_upload_in_parts_sends_only_the_broken_part_again(version, pushed):
    broken, size, part = pushed(f"hub-{version}", HF_HUB_DISABLE_XET="1")
    assert size < broken.up < size + part + LITTLE


@pytest.mark.parametrize("version", HUBS[1:])
def test_an_upload_over_xet_is_done_in_spite_of_a_cut(version, pushed, served):
    broken, size, _ = pushed(f"hub-{version}")
    assert size < broken.up < 2 * size
    assert any("/v1/xorbs/" in line.get("path", "") for line in served.lines())


def test_the_client_for_javascript_goes_on_with_a_slice(served, namespace, large, file, tmp_path):
    served.hub.add(large, f"{namespace}/large")
    with line(served.url, "down", HALF) as broken:
        client = Client("js", tmp_path / "home", broken.url, served.token)
        found = client("one_file.mjs", "down", f"{namespace}/large", "")
    assert (found["sha256"], broken.cuts) == (sha256(file), 1)
    assert broken.down < file.stat().st_size + LITTLE


def test_the_client_for_javascript_sends_all_again_after_a_cut(pushed):
    broken, size, _ = pushed("js", script="one_file.mjs")
    assert broken.up > size + HALF


@pytest.fixture
def pushed(served, namespace, file, tmp_path):
    """Sends the file, with other bytes at its end, over a line that breaks; that line, and bytes of file and part."""

    def push(name, script="one_file.py", **more):
        word = str(tmp_path).encode()[-64:]
        (tmp_path / WEIGHTS).write_bytes(file.read_bytes()[: -len(word)] + word)
        served.ask("POST", "/api/repos/create", json={"organization": namespace, "name": "large"})
        with line(served.url, "up", HALF) as broken:
            client = Client(name, tmp_path / "home", broken.url, served.token, more)
            found = client(script, "up", f"{namespace}/large", tmp_path / WEIGHTS)
        assert (found["sha256"], broken.cuts) == (sha256(tmp_path / WEIGHTS), 1)
        assert served.hub.desk.store.layout.blob(Digest(sha256(tmp_path / WEIGHTS))).is_file()
        assert served.hub.check().ok
        return broken, file.stat().st_size, served.settings["part"]

    return push
