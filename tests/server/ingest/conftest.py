"""`served`: a server with two repositories."""

import pytest

from adapterhub.reference import Name
from adapterhub.store.store import Store
from tests.server.running import Running


@pytest.fixture
def served(server: Running) -> Running:
    """A server with a private and a public repository."""
    history = Store(server.home).history
    history.create(Name("ada", "poet"), private=True, by="ada")
    history.create(Name("ada", "open"), private=False, by="ada")
    return server
