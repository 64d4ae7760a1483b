"""What a process that died leaves of the index harms no index that is made later."""

import shutil
import sqlite3

import pytest

from tests.crash.deeds import POET1, POET2, Scene


@pytest.fixture
def hub(first_scene, place):
    shutil.copytree(first_scene.root, place / "scene")
    return Scene(place / "scene").hub


def leave_a_journal(hub):
    """Die in the middle of a change to the index: its journal says how to take the change back."""
    index = hub.store / "index.sqlite"
    database = sqlite3.connect(index, isolation_level=None)
    database.execute("PRAGMA cache_size=1")
    database.execute("BEGIN EXCLUSIVE")
    database.execute("UPDATE row SET reference = 'gone/' || id, document = '{}'")
    database.execute("CREATE TABLE filler AS SELECT randomblob(100000)")
    journal = index.with_name("index.sqlite-journal").read_bytes()
    database.execute("ROLLBACK")
    database.close()
    assert len(journal) > 512
    index.with_name("index.sqlite-journal").write_bytes(journal)


def found(hub):
    return sorted(line["reference"] for line in hub.search())


def test_a_journal_of_an_index_that_was_deleted_is_not_played_into_the_next(hub):
    leave_a_journal(hub)
    (hub.store / "index.sqlite").unlink()
    hub.remove("ada/loose@1")
    assert found(hub) == found(hub) == [POET1, POET2]


def test_repair_throws_the_index_away_with_its_journal(hub):
    leave_a_journal(hub)
    (hub.store / "blobs" / "sha256" / "stray").mkdir()
    (hub.store / "blobs" / "sha256" / "stray" / "file").write_text("no blob")
    assert hub.check(repair=True).ok
    assert not list(hub.store.glob("index.sqlite*"))


def test_a_note_about_a_digest_reaches_every_name_that_means_it(hub):
    hub.add(hub.path(POET1), "bob/copy")
    hub.search()
    hub.tag("bob/copy", ["shared"])
    assert sorted(line["reference"] for line in hub.search(where="tag=shared")) == [POET1, "bob/copy@1"]


def test_an_event_that_comes_late_under_an_old_time_is_seen(hub):
    hub.search()
    hub.tag(POET1, ["late"])
    event = max((hub.store / "events").glob("*.json"))
    event.rename(event.with_name("20200101T000000.000000Z-00000000.json"))
    assert [line["reference"] for line in hub.search(where="tag=late")] == [POET1]
