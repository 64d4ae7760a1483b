"""One server for a whole module, empty for every test; and the same as strangers' Hubs are, which tell no digests."""

import shutil
from collections.abc import Iterator

import pytest

from tests.server.running import Running, running


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("written")) as found:
        yield found


@pytest.fixture
def server(written: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """An empty server of ours; our client has a token for it, and so has huggingface_hub."""
    for folder in ("names", "repos", "notes", "bases", "events", "blobs", "cache"):
        shutil.rmtree(written.home / folder, ignore_errors=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("ADAPTERHUB_TOKEN", written.token)
    monkeypatch.setenv("HF_TOKEN", written.token)
    monkeypatch.setenv("HF_ENDPOINT", written.url)
    return written


@pytest.fixture
def stranger(server: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The same, read as if it were not ours: by its tags and files alone."""
    monkeypatch.setattr("adapterhub.remotes.hub_book._told", lambda info: None)
    return server
