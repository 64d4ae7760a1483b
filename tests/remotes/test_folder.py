"""A folder that others share is a store like ours."""

from pathlib import Path

import pytest

from adapterhub.registry import Registry
from adapterhub.remotes.table import open_remote
from tests.contract import RegistryContract, library


class TestFolder(RegistryContract):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> Registry:
        return open_remote(f"file://{tmp_path}/my%20remote", user="ada", write=True)

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Registry:
        library(tmp_path / "shelf")
        return open_remote(f"file://{tmp_path}/shelf")
