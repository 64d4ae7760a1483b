"""A sweep keeps what a commit names, and forgets commits that nobody reaches."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from adapterhub.digest import Digest
from adapterhub.reference import Name
from adapterhub.store.check import check
from adapterhub.store.leases import TTL
from adapterhub.store.locks import alone
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from tests.builders import entry, filled
from tests.store.history.building import POET, commit_of, grow, history
from tests.store.test_sweep import age

ODD = Digest.of(b"odd")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """ada/poet has two commits, and a third that a branch reached which is gone."""
    store = history(tmp_path / "store", {"a": b"1"}, {"a": b"2"})
    store.history.point(POET, "dev", store.history.branches(POET)["main"], "")
    grow(store, {"odd": b"odd"}, "dev")
    store.history.drop_branch(POET, "dev")
    return store


def test_what_any_commit_in_reach_names_stays(tmp_path: Path) -> None:
    store = history(tmp_path, {"a": b"1"}, {"a": b"2"})
    assert (sweep(store, grace=0).deleted, check(store).ok) == (0, True)
    assert all(store.blobs.has(Digest.of(data)) for data in (b"1", b"2"))


def test_a_tag_keeps_what_no_branch_reaches(store: Store) -> None:
    (odd,) = set(store.history.commits(POET)) - {oid for oid, _ in store.history.log(POET, main(store))}
    store.history.tag(POET, "odd", odd)
    assert sweep(store, grace=0).deleted == 0
    assert store.history.find(POET, "odd")[1].file("odd")


def main(store: Store) -> str:
    return store.history.branches(POET)["main"]


def test_a_commit_nobody_reaches_waits_for_its_grace_period_and_goes_with_its_bytes(store: Store) -> None:
    first = sweep(store, grace=60)
    assert (first.deleted, first.waiting, len(store.history.commits(POET))) == (0, 1, 3)
    assert store.blobs.has(ODD)
    assert (sweep(store, grace=0).deleted, len(store.history.commits(POET)), store.blobs.has(ODD)) == (1, 2, False)
    assert check(store).unreferenced == 0


def test_what_is_reached_again_before_its_time_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep(store, grace=60)
    (odd,) = set(store.history.commits(POET)) - {oid for oid, _ in store.history.log(POET, main(store))}
    store.history.point(POET, "again", odd, "")
    assert (sweep(store, grace=0).waiting, store.blobs.has(ODD)) == (0, True)
    store.history.drop_branch(POET, "again")
    assert sweep(store, grace=60).waiting == 1


def long_ago(store: Store, marks: str) -> None:
    """Let everything that is marked have been marked in 1970."""
    path = store.layout.incoming / marks
    path.write_text(json.dumps(dict.fromkeys(json.loads(path.read_text()), 1.0)))


def test_a_commit_that_is_young_keeps_those_before_it(store: Store) -> None:
    sweep(store, grace=0)
    old = store.history.put(POET, commit_of(store, {"odd": b"odd"}))
    sweep(store, grace=60)
    long_ago(store, "commits.json")
    child = store.history.put(POET, commit_of(store, {}, old))
    sweep(store, grace=60)
    assert {old, child} <= set(store.history.commits(POET))
    long_ago(store, "commits.json")
    sweep(store, grace=60)
    assert not {old, child} & set(store.history.commits(POET))


def test_bytes_that_waited_longer_than_the_commit_that_names_them_stay_as_long_as_it(tmp_path: Path) -> None:
    store = history(tmp_path, {"a": b"1"})
    commit = commit_of(store, {"odd": b"odd"})
    sweep(store, grace=60)
    long_ago(store, "marks.json")
    store.history.put(POET, commit)
    assert (sweep(store, grace=60).deleted, check(store).ok, store.blobs.has(ODD)) == (0, True, True)
    long_ago(store, "commits.json")
    assert (sweep(store, grace=60).deleted, check(store).ok, store.blobs.has(ODD)) == (1, True, False)


def test_a_repository_somebody_writes_to_is_left_for_the_next_time(store: Store) -> None:
    with store.history.lock(POET):
        assert (sweep(store, grace=0).deleted, len(store.history.commits(POET))) == (0, 3)
    assert (sweep(store, grace=0).deleted, len(store.history.commits(POET))) == (1, 2)


def test_what_was_committed_after_the_histories_were_read_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def late(folder: Path) -> Iterator[None]:
        grow(store, {"late": b"late", "odd": b"odd"})
        yield

    with store.session() as session:
        session.lease.add(ODD)
        monkeypatch.setattr("adapterhub.store.sweep.alone", late)
        sweep(store, grace=0)
    assert (check(store).ok, store.blobs.has(ODD)) == (True, True)


def test_bytes_of_a_deleted_repository_go_but_those_an_entry_shares_stay(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    shared = {file.path: read(store, file.blob) for file in entry(0).manifest.files}
    store.history.create(POET, private=True, by="")
    grow(store, {**shared, "README.md": b"mine"})
    store.history.delete(POET)
    assert sweep(store, grace=0).deleted == 1
    assert (check(store).ok, store.blobs.has(Digest.of(b"mine"))) == (True, False)


def read(store: Store, digest: Digest) -> bytes:
    return store.blobs.read(digest, "it")


def test_a_manifest_that_only_a_history_names_keeps_its_notes(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    digest = entry(0).digest
    store.history.create(POET, private=True, by="")
    grow(store, {"adapterhub.json": entry(0).manifest.to_bytes()})
    store.notes.add([store.say(digest, "tags", {"add": ["x"]})])
    store.remove(POET.at("1"))
    sweep(store, grace=0)
    assert (store.blobs.has(digest), len(store.notes.about(digest))) == (True, 1)


@pytest.mark.parametrize("marks", [b"", b"[]", b'{"x":"y"}', b"\xff"])
def test_marks_that_cannot_be_read_only_start_the_grace_period_again(store: Store, marks: bytes) -> None:
    sweep(store, grace=60)
    (store.layout.incoming / "commits.json").write_bytes(marks)
    assert (sweep(store, grace=60).deleted, len(store.history.commits(POET))) == (0, 3)


def test_what_dead_writers_left_in_a_history_goes(store: Store) -> None:
    left = [store.layout.repo(POET) / "heads" / ".x.tmp", store.layout.repos / "ada" / ".y.tmp" / "repo.json"]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
        age(path, TTL + 1)
    age(left[1].parent, TTL + 1)
    assert check(store).ok
    sweep(store, grace=0)
    assert [path.exists() for path in left] == [False, False]


def test_a_repository_cannot_move_while_a_sweep_looks_for_it(store: Store) -> None:
    moved = Thread(target=store.history.move, args=(POET, Name("zoe", "poet")))
    with alone(store.layout.incoming):
        moved.start()
        moved.join(0.2)
        assert list(store.history.all()) == [POET]
    moved.join()
    assert list(store.history.all()) == [Name("zoe", "poet")]
