"""A store that can only be read is read; writing is refused and changes nothing."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapterhub.errors import Refused
from adapterhub.hub import Hub
from tests.builders import POET, entry, filled, tiny_adapter, tree

NOBODY = 65534


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A store whose files nobody may write, outside of folders that only root may enter."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    hub = Hub(filled(root / "store", "ada/poet"))
    hub.search("tiny")  # what is imported when it is asked for is imported now
    (hub.store / "index.sqlite").unlink()
    tiny_adapter(root / "run")
    for path in (hub.store, *hub.store.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield hub
    for path in (hub.store, *hub.store.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(root)


@contextmanager
def a_user() -> Iterator[None]:
    """Somebody whom permissions bind: root gives its rights up for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_it_can_be_listed_searched_shown_and_checked(hub: Hub) -> None:
    before = tree(hub.store)
    with a_user():
        assert [row.reference for row in hub.list()] == ["ada/poet@1"]
        assert [row["reference"] for row in hub.search("tiny")] == ["ada/poet@1"]
        assert hub.show("ada/poet").digest == str(entry().digest)
        assert hub.check().ok
    assert tree(hub.store) == before


WRITES: dict[str, Callable[[Hub], object]] = {
    "add": lambda hub: hub.add(hub.store.parent / "run", "ada/x"),
    "publish": lambda hub: hub.desk.store.publish(entry(5), POET),
    "tag": lambda hub: hub.tag("ada/poet", ["x"]),
    "alias": lambda hub: hub.alias("ada/poet", "prod"),
    "remove": lambda hub: hub.remove("ada/poet"),
    "catalog": lambda hub: hub.catalog(),
    "remote add": lambda hub: hub.remote_add("team", "file:///srv"),
}


@pytest.mark.parametrize("deed", WRITES)
def test_it_refuses_every_deed_and_stays_as_it_was(hub: Hub, deed: str) -> None:
    before = tree(hub.store)
    with a_user(), pytest.raises(Refused, match=f"{hub.store} can only be read") as refusal:
        WRITES[deed](hub)
    assert "ask its owner" in refusal.value.hint
    assert tree(hub.store) == before
