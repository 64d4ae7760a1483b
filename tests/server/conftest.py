"""`server`: a real one, over a store of its own; `standing`: one that a module's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.running import Running, running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests of a module, for those that change nothing in it."""
    with running(tmp_path_factory.mktemp("standing")) as found:
        yield found
