"""The index follows the events, and is made again whenever it is missing, old or wrong."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from adapterhub.reference import parse
from adapterhub.store.events import Event
from adapterhub.store.index import sync
from adapterhub.store.index.file import stamp
from adapterhub.store.index.query import Question, search
from adapterhub.store.store import Store
from tests.builders import POET, digest_of, entry, filled


def ask(store: Store, where: str = "") -> list[str]:
    return [found["reference"] for found in search(store, Question(where=where))]


def settle(store: Store) -> None:
    """Make all events old, as after a coffee."""
    old = time.time() - 3600
    for path in (*store.layout.events.iterdir(), store.layout.events):
        os.utime(path, (old, old))


@pytest.mark.parametrize("settled", [False, True])
def test_the_index_follows_every_deed(tmp_path: Path, settled: bool) -> None:
    store = filled(tmp_path, "ada/poet")

    def found(where: str) -> list[str]:
        rows = ask(store, where)
        if settled:
            settle(store)
            assert ask(store, where) == rows
        return rows

    assert found("") == ["ada/poet@1"]
    store.publish(entry(1), POET)
    assert found("") == ["ada/poet@2", "ada/poet@1"]
    store.note(POET.at("1"), store.say(digest_of(store, "ada/poet@1"), "tags", {"add": ["calm"]}))
    assert found("tag=calm") == ["ada/poet@1"]
    store.alias(POET.at("2"), "prod")
    assert found("alias=prod") == ["ada/poet@2"]
    store.alias(POET.at("1"), "prod")
    assert found("alias=prod") == ["ada/poet@1"]
    store.remove(POET.at("2"))
    assert found("") == ["ada/poet@1"]


def test_aliases_that_were_dropped_are_not_found_even_if_nothing_else_happens(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.alias(POET, "prod")
    settle(store)
    assert ask(store, "alias=prod") == ["ada/poet@1"]
    store.drop_aliases(POET.name)  # and here `remove --all` is killed
    assert (ask(store, "alias=prod"), ask(store)) == ([], ["ada/poet@1"])


def test_a_note_about_a_digest_shows_under_all_its_names(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.publish(entry(0), parse("bob/poet"))
    assert ask(store, "tag=calm") == []
    store.note(POET.at("1"), store.say(entry(0).digest, "tags", {"add": ["calm"]}))
    assert ask(store, "tag=calm") == ["ada/poet@1", "bob/poet@1"]


def test_a_deed_that_comes_long_after_its_event_was_seen_is_found(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.events.write("publish", "ada/x@1")  # a writer who takes his time between event and name
    assert ask(store) == ["ada/poet@1"]
    store.names.point(parse("ada/x").name, "1", entry(0).digest, "ada")
    assert ask(store) == ["ada/poet@1", "ada/x@1"]


def test_a_deed_that_comes_after_a_thousand_other_events_is_found(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.events.write("publish", "ada/x@1")
    ask(store)
    for number in range(1005):
        (store.layout.events / f"99991231T235959.{number:06}Z-0.json").write_bytes(b"{}")
    ask(store)
    store.names.point(parse("ada/x").name, "1", entry(0).digest, "ada")
    assert ask(store) == ["ada/poet@1", "ada/x@1"]


def test_an_event_that_is_taken_back_while_the_index_is_made_makes_no_old_one_young(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    settle(store)
    store.alias(POET, "prod")
    (store.layout.events / "20260101T000000.000000Z-0.json").symlink_to("gone")
    (store.layout.events / ".half.tmp").symlink_to("gone")
    ask(store)
    with closing(sqlite3.connect(store.layout.index)) as index:
        young = index.execute("select event from seen where at > 0").fetchall()
    assert young == [(store.events.files()[-1],)]


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_no_clock_of_a_writer_or_of_a_file_server_hides_a_deed(tmp_path: Path, seconds: float) -> None:
    store = filled(tmp_path, "ada/poet")
    settle(store)
    ask(store)
    event = Event(time=f"{2026 if seconds > 0 else 1999}-01-01T00:00:00.000000Z", action="publish", reference="ada/x@1")
    path = store.layout.events / event.file_name()
    path.write_bytes(event.to_bytes())
    for one in (path, store.layout.events):
        os.utime(one, (time.time() + seconds,) * 2)
    ask(store)
    store.names.point(parse("ada/x").name, "1", entry(0).digest, "ada")
    assert ask(store) == ["ada/poet@1", "ada/x@1"]


def test_an_index_that_is_made_after_a_clock_was_ahead_finds_what_is_in_the_making(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    os.utime(store.layout.events / store.events.files()[0], (time.time() + 86400,) * 2)
    store.events.write("publish", "ada/x@1")
    ask(store)
    store.names.point(parse("ada/x").name, "1", entry(0).digest, "ada")
    assert ask(store) == ["ada/poet@1", "ada/x@1"]


def test_what_was_seen_by_a_clock_that_was_ahead_is_not_looked_at_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path, "ada/poet")
    ask(store)
    clock = time.time()
    monkeypatch.setattr("time.time", lambda: clock + 86400)
    store.alias(POET, "prod")
    ask(store)
    for later in (0, 61):
        monkeypatch.setattr("time.time", lambda later=later: clock + later)
        assert ask(store, "alias=prod") == ["ada/poet@1"]
    with closing(sqlite3.connect(store.layout.index)) as index:
        assert not index.execute("select event from seen where at > ?", (clock + 1,)).fetchall()


def test_a_deed_that_is_done_when_nobody_waits_for_it_any_more_is_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path, "ada/poet")
    told = store.events.write("publish", "ada/x@1", digest=str(entry(0).digest), by="ada")
    ask(store)
    clock = time.time()
    monkeypatch.setattr("time.time", lambda: clock + 66)  # the writer stood still
    ask(store)
    store.names.point(parse("ada/x").name, "1", entry(0).digest, "ada")
    assert ask(store) == ["ada/poet@1"]
    told.done()
    assert ask(store) == ["ada/poet@1", "ada/x@1"]
    assert [event.reference for event in store.events.all()] == ["ada/poet@1", "ada/x@1"]  # and it is told once


def test_while_nothing_happens_the_index_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path, "ada/poet")
    clock = [time.time()]
    monkeypatch.setattr("time.time", lambda: clock[0])
    for _ in range(3):  # the first makes it, the second sees that the version is here
        ask(store)
    before = stamp(store.layout.index)
    monkeypatch.setattr(sync, "_unseen", None)
    ask(store)
    assert stamp(store.layout.index) == before


def sql(statement: str) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    return run


WRONG: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"garbage" * 1000),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "another program's": sql("drop table meta"),
    "old": sql("update meta set value = '0.0' where key = 'stamp'"),
    "without a table": sql("drop table row"),
    "without a column": sql("alter table row rename column document to poem"),
}


@pytest.mark.parametrize("how", WRONG)
def test_an_index_that_is_wrong_is_made_again(tmp_path: Path, how: str) -> None:
    store = filled(tmp_path, "ada/poet", "ada/x")
    assert len(ask(store)) == 2
    settle(store)
    ask(store)
    WRONG[how](store.layout.index)
    assert ask(store) == ["ada/poet@1", "ada/x@1"]
    assert ask(store, "rank=2") == ["ada/poet@1", "ada/x@1"]


def rows(store: Store, where: str = "") -> dict[str, str]:
    return {found["reference"]: found.get("unreadable", "") for found in search(store, Question(where=where))}


def test_a_damaged_entry_is_found_and_says_why_until_it_is_whole_again(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet", "ada/x")
    blob = store.layout.blob(digest_of(store, "ada/poet"))
    blob.rename(aside := tmp_path / "aside")
    found = rows(store)
    assert "is missing" in found["ada/poet@1"]
    assert found["ada/x@1"] == ""
    assert list(rows(store, "health=unreadable")) == ["ada/poet@1"]
    settle(store)
    assert rows(store) == found
    aside.rename(blob)
    assert rows(store) == {"ada/poet@1": "", "ada/x@1": ""}


def test_a_damaged_version_hides_no_other(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet", "ada/x")
    store.publish(entry(2), POET)
    (store.layout.versions(POET.name) / "1").write_bytes(b"rot")
    found = rows(store)
    assert "not a version's file" in found.pop("ada/poet@1")
    assert found == {"ada/poet@2": "", "ada/x@1": ""}


def folder_instead(store: Store) -> None:
    (store.layout.index / "in the way").mkdir(parents=True)


def no_folder_for_locks(store: Store) -> None:
    shutil.rmtree(store.layout.incoming)
    store.layout.incoming.write_bytes(b"in the way")


def locked(store: Store) -> sqlite3.Connection:
    ask(store)
    store.publish(entry(7), parse("ada/new"))
    connection = sqlite3.connect(store.layout.index, isolation_level=None)
    connection.execute("begin exclusive")
    return connection


def full(store: Store) -> None:
    """A disk that has no room for the index: SQLite gets no page more than it has."""
    real = sync._engine

    def engine(path: Path | None) -> Engine:
        made = real(path)
        if path:
            event.listen(made, "connect", lambda connection, _: connection.execute("pragma max_page_count = 1"))
        return made

    sync._engine = engine


PREVENTED: dict[str, Callable[[Store], object]] = {
    "a folder in its place": folder_instead,
    "a file where the locks are": no_folder_for_locks,
    "locked by another program": locked,
    "no room": full,
}


@pytest.mark.parametrize("how", PREVENTED)
def test_where_the_index_cannot_be_written_search_works_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    store = filled(tmp_path, "ada/poet")
    monkeypatch.setattr(sync, "_engine", sync._engine)
    monkeypatch.setattr(sync, "WAIT", 0.1)
    held = PREVENTED[how](store)
    assert "ada/poet@1" in ask(store)
    assert ask(store, "rank=2") == ask(store)
    assert not list(store.root.glob(".*.fresh"))
    if isinstance(held, sqlite3.Connection):
        held.close()


def test_without_the_right_to_write_it_is_made_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path, "ada/poet")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert ask(store) == ["ada/poet@1"]
    assert not store.layout.index.exists()


def test_list_and_resolve_work_without_it(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    ask(store)
    store.layout.index.write_bytes(b"garbage")
    assert [str(line.reference) for line in store.list()] == ["ada/poet@1"]
    assert store.resolve(POET).digest == entry(0).digest
