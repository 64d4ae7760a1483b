"""One server for all tests of a file: each test works in a namespace of its own."""

import itertools
from collections.abc import Iterator

import pytest
from huggingface_hub import HfApi

from tests.server.routes.asking import Asking
from tests.server.running import Running, running

COUNT = itertools.count(1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server over a store of its own."""
    with running(tmp_path_factory.mktemp("routes")) as found:
        yield found


@pytest.fixture
def hub(served: Running) -> Asking:
    """The server, and a namespace nobody has used."""
    return Asking(served, f"team{next(COUNT)}")


@pytest.fixture
def api(hub: Asking, monkeypatch: pytest.MonkeyPatch) -> HfApi:
    """huggingface_hub, unmodified, as the admin; large files go by LFS."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_PROGRESS_BARS", True)
    return HfApi(endpoint=hub.server.url, token=hub.server.token)
