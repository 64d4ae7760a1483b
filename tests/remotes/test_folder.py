"""A folder that others share is a store like ours."""

from pathlib import Path

import pytest

from adapterhub.hub import Hub
from adapterhub.registry import Registry
from adapterhub.remotes.table import open_remote
from tests.builders import tiny_adapter
from tests.contract import RegistryContract, library


class TestFolder(RegistryContract):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> Registry:
        return open_remote(f"file://{tmp_path}/my%20remote", user="ada", write=True)

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Registry:
        library(tmp_path / "shelf")
        return open_remote(f"file://{tmp_path}/shelf")


def test_reading_a_remote_leaves_nothing_there(tmp_path):
    hub = Hub.open(tmp_path / "mine")
    hub.add(tiny_adapter(tmp_path / "a"), "ada/poet")
    hub.push(["ada/poet"], str(tmp_path / "team"))
    before = sorted(tmp_path.joinpath("team").rglob("*"))
    other = Hub.open(tmp_path / "other")
    other.list(str(tmp_path / "team"))
    other.pull(["ada/poet"], str(tmp_path / "team"))
    assert sorted(tmp_path.joinpath("team").rglob("*")) == before
