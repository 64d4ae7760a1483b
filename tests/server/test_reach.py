"""Who may not see a repository is told the same as of none, and makes the server write nothing."""

import pytest
from fastapi.testclient import TestClient

from adapterhub.reference import parse
from adapterhub.server.app import make_app
from adapterhub.server.settings import Serving
from adapterhub.verbs.hub_history import is_private
from adapterhub.verbs.tokens import create
from tests.builders import entry
from tests.verbs.hub_ground import POET, desk_in, repository

PATHS = (f"/api/models/{POET}", f"/{POET}", f"/{POET}/resolve/main/README.md", f"/api/models/{POET}/tree/1")


def answers(desk, **more):
    with TestClient(make_app(desk, Serving())) as client:
        return [client.get(path, **more).status_code for path in PATHS]


@pytest.fixture
def desk(tmp_path):
    """A store in which a version was published without the server."""
    desk = desk_in(tmp_path)
    desk.store.publish(entry(), parse("ada/poet"))
    return desk


def test_a_version_that_nobody_may_see_is_not_laid_for_him(desk):
    assert answers(desk) == [404] * 4
    assert not (desk.store.root / "repos").exists()
    told = create(desk, "ada", "read", namespaces=("ada",)).token
    assert answers(desk, headers={"Authorization": f"Bearer {told}"}) == [200] * 4


def test_a_damaged_repository_is_hidden_as_well(tmp_path):
    desk = repository(tmp_path, private=False)
    assert answers(desk)[0] == 200
    path = next((desk.store.root / "repos").rglob("repo.json"))
    path.chmod(0o644)
    path.write_bytes(b"{")
    assert is_private(desk, POET)
    assert answers(desk) == [404] * 4
