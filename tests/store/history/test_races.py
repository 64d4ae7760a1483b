"""Many writers of one repository, and a sweep among them: nobody loses anything."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapterhub.errors import Conflict
from adapterhub.reference import Name
from adapterhub.store.check import check
from adapterhub.store.history.commit import Commit
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from tests.builders import TIME
from tests.store.history.building import POET, grow, history

FORK = multiprocessing.get_context("forkserver")
WRITERS, COMMITS = 3, 12


def write(root: Path, word: str) -> None:
    """Commit again and again, each time on top of what is there."""
    store = Store(root, word)
    for number in range(COMMITS):
        grow(store, {word: b"%s %d" % (word.encode(), number)}, by=word)


def clean(root: Path) -> None:
    store = Store(root)
    for _ in range(COMMITS):
        sweep(store, grace=0)


@pytest.mark.slow
def test_no_commit_is_lost_among_processes_and_sweeps(tmp_path: Path) -> None:
    store = history(tmp_path, {"first": b"0"})
    work = [FORK.Process(target=write, args=(tmp_path, f"w{number}")) for number in range(WRITERS)]
    work.append(FORK.Process(target=clean, args=(tmp_path,)))
    for process in work:
        process.start()
    for process in work:
        process.join(120)
    assert [process.exitcode for process in work] == [0] * len(work)
    line = [commit.by for _, commit in store.history.log(POET, store.history.branches(POET)["main"])]
    assert sorted(line) == sorted(["", *(f"w{n}" for n in range(WRITERS) for _ in range(COMMITS))])
    assert check(store).ok


def test_of_several_who_move_a_branch_from_one_commit_one_wins(tmp_path: Path) -> None:
    store = history(tmp_path, {"a": b"1"})
    old = store.history.branches(POET)["main"]

    def push(number: int) -> bool:
        mine = Store(tmp_path)
        oid = mine.history.put(POET, Commit(parent=old, title=str(number), time=TIME))
        try:
            mine.history.point(POET, "main", oid, old)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(push, range(8))) == 1


def test_of_several_who_make_one_repository_one_wins(tmp_path: Path) -> None:
    def make(number: int) -> bool:
        try:
            Store(tmp_path).history.create(POET, private=True, by=str(number))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 1
    assert check(Store(tmp_path)).ok


def test_a_lock_is_asked_for_again_by_who_holds_it_and_waited_for_by_others(tmp_path: Path) -> None:
    store, told = history(tmp_path, {"a": b"1"}), list[str]()

    def other() -> None:
        with Store(tmp_path).history.lock(POET):
            told.append("other")

    with ThreadPoolExecutor(1) as pool, store.history.lock(POET, Name("bob", "ode")):
        waiting = pool.submit(other)
        with store.history.lock(POET):
            grow(store, {"a": b"2"})
        told.append("mine")
        assert not waiting.done()
    assert told == ["mine", "other"]


def test_a_lock_is_free_after_an_error_inside(tmp_path: Path) -> None:
    store = history(tmp_path)
    with pytest.raises(KeyError), store.history.lock(POET):
        raise KeyError
    with ThreadPoolExecutor(1) as pool:
        pool.submit(grow, store, {"a": b"1"}).result(60)
