"""`check` finds and names what is wrong with a history; `--repair` goes on around it, and a sweep waits for that."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt
from adapterhub.store.check import check
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from tests.builders import tree
from tests.store.history.building import POET, grow, history
from tests.store.test_check import a_folder, gone, write

TREES = [{"a": b"1"}, {"a": b"2"}, {"a": b"3"}]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """ada/poet has three commits; the second is tagged v2."""
    store = Store(tmp_path / "store", "ada")
    store.history.create(POET, private=False, by="ada")
    for number, files in enumerate(TREES):
        grow(store, files, time=f"2026-01-0{number + 1}")
    store.history.tag(POET, "v2", line(store)[1])
    return store


def line(store: Store) -> list[str]:
    """The commits of main, the oldest first."""
    return [oid for oid, _ in store.history.log(POET, store.history.branches(POET)["main"])][::-1]


def commit(store: Store, number: int) -> Path:
    return store.history.path(POET, line(store)[number])


def place(store: Store, *words: str) -> Path:
    return store.layout.repo(POET).joinpath(*words)


def unknown_parent(store: Store) -> Path:
    store.history.lost(POET).mkdir()
    return write(store.history.lost(POET) / ("0" * 40), b"1" * 40)


Plant = Callable[[Store], Path]
DAMAGE: dict[str, tuple[str, Plant]] = {
    "a name that is no name": ("bad-name", lambda s: write(s.layout.repos / "ada" / "a--b" / "repo.json").parent),
    "no word about a repository": ("bad-repo", lambda s: gone(place(s, "repo.json"))),
    "a word about a repository that rotted": ("bad-repo", lambda s: write(place(s, "repo.json"))),
    "a commit that rotted": ("bad-commit", lambda s: write(commit(s, 1))),
    "the newest commit rotted": ("bad-commit", lambda s: write(commit(s, 2))),
    "the first commit cut short": ("bad-commit", lambda s: write(commit(s, 0), commit(s, 0).read_bytes()[:-1])),
    "a folder for a commit": ("bad-commit", lambda s: a_folder(commit(s, 0))),
    "a commit that is none": ("bad-commit", lambda s: write(place(s, "commits", "x"))),
    "the first commit is gone": ("missing-commit", lambda s: gone(commit(s, 0))),
    "the newest commit is gone": ("bad-branch", lambda s: (gone(commit(s, 2)), place(s, "heads", "main"))[1]),
    "a branch that rotted": ("bad-branch", lambda s: write(place(s, "heads", "main"))),
    "an empty branch": ("bad-branch", lambda s: write(place(s, "heads", "dev"), b"")),
    "a folder for a branch": ("bad-branch", lambda s: a_folder(write(place(s, "heads", "dev")))),
    "a branch that no name has": ("bad-branch", lambda s: write(place(s, "heads", "Main"))),
    "a tag that rotted": ("bad-tag", lambda s: write(place(s, "tags", "v2"))),
    "a tag of nothing": ("bad-tag", lambda s: write(place(s, "tags", "v3"), b"0" * 40)),
    "a file of the lost that rotted": ("bad-lost", lambda s: write(place(s, "lost", "0" * 40))),
    "a file of the lost that names nothing": ("bad-lost", unknown_parent),
    "a file of the lost for no commit": ("bad-lost", lambda s: write(place(s, "lost", "x"), b"")),
    "bytes of a commit that are gone": ("missing-blob", lambda s: gone(s.layout.blob(Digest.of(b"1")))),
    "bytes of a commit that rotted": ("corrupt-blob", lambda s: write(s.layout.blob(Digest.of(b"1")))),
    "a stray among the repositories": ("stray", lambda s: write(s.layout.repos / "notes.txt")),
    "a stray in a namespace of repositories": ("stray", lambda s: write(s.layout.repos / "ada" / "notes.txt")),
    "a stray in a repository": ("stray", lambda s: write(place(s, "notes.txt"))),
    "no registry.json": ("missing-marker", lambda s: gone(s.layout.marker)),
}


def test_a_history_that_is_whole_is_well(store: Store) -> None:
    report = check(store)
    assert (report.ok, report.blobs, report.unreferenced) == (True, 3, 0)


@pytest.mark.parametrize("name", DAMAGE)
def test_every_kind_of_damage_is_found_and_named(store: Store, name: str) -> None:
    kind, plant = DAMAGE[name]
    path = plant(store)
    assert (kind, str(path)) in {(damage.kind, damage.path) for damage in check(store).damage}


@pytest.mark.parametrize("name", DAMAGE)
def test_after_a_repair_with_who_has_the_bytes_all_is_well(store: Store, name: str, tmp_path: Path) -> None:
    DAMAGE[name][1](store)
    donor = history(tmp_path / "donor", *TREES)
    report = check(store, repair=True, donors=[donor.blob])
    assert (report.ok, check(store).ok) == (True, True), report.damage
    assert sweep(store, grace=0).deleted <= 1
    assert check(store).ok


@pytest.mark.parametrize("name", DAMAGE)
def test_nothing_is_thrown_away(store: Store, name: str) -> None:
    DAMAGE[name][1](store)
    before = [data for data in tree(store.root).values() if data is not None]
    check(store, repair=True)
    kept = [data for data in tree(store.root).values() if data is not None]
    assert [data for data in before if data not in kept] == []


def test_damage_says_which_commit_needs_the_bytes(store: Store) -> None:
    gone(store.layout.blob(Digest.of(b"3")))
    (damage,) = check(store).damage
    assert (damage.digest, damage.references) == (str(Digest.of(b"3")), (f"ada/poet@{line(store)[2]}",))


def test_a_history_goes_on_around_a_commit_that_is_lost(store: Store) -> None:
    first, second, third = line(store)
    store.history.untag(POET, "v2")
    write(store.history.path(POET, second))
    report = check(store, repair=True)
    assert [damage.kind for damage in report.repaired] == ["bad-commit", "missing-commit"]
    assert line(store) == [first, third]
    sweep(store, grace=0)
    assert line(store) == [first, third]
    assert grow(store, {"a": b"4"}) == line(store)[-1]


def test_lost_commits_one_after_the_other_make_no_circle(store: Store) -> None:
    for number in range(4, 8):
        grow(store, {"a": b"%d" % number}, time="2026-01-03")  # all at one moment
    store.history.untag(POET, "v2")
    commits = line(store)
    for oid in (commits[1], commits[3], commits[5]):
        gone(store.history.path(POET, oid))
    assert check(store, repair=True).ok
    assert line(store)[0] == commits[0]
    assert line(store)[-1] == commits[-1]


def test_a_main_branch_that_is_lost_means_the_newest_commit_that_is_on_no_other(store: Store) -> None:
    third = line(store)[2]
    store.history.point(POET, "refs/pr/1", third, "")
    request = grow(store, {"a": b"evil"}, "refs/pr/1", time="2027-01-01")
    other = store.history.put(POET, store.history.commit(POET, third).model_copy(update={"title": "mine"}))
    write(place(store, "heads", "main"))
    assert check(store, repair=True).ok
    assert store.history.branches(POET) == {"main": other, "refs/pr/1": request}


def test_a_repository_nobody_knows_to_be_public_is_private(store: Store) -> None:
    write(place(store, "repo.json"))
    check(store, repair=True)
    info = store.history.info(POET)
    assert (info.private, info.created) == (True, "2026-01-01")


@pytest.mark.parametrize("name", [name for name in DAMAGE if DAMAGE[name][0].endswith(("commit", "branch"))])
def test_nothing_is_swept_while_a_history_cannot_be_read(store: Store, name: str) -> None:
    grow(store, {"a": b"4"})
    path = DAMAGE[name][1](store)
    if path.name == "x":  # what no commit is called can reach nothing
        return
    before = tree(store.layout.blobs)
    with pytest.raises(Corrupt, match=r"ada/poet: .*nothing was swept"):
        sweep(store, grace=0)
    assert tree(store.layout.blobs) == before
