"""Repositories, commits, branches and tags."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError, BadReference, Conflict, Corrupt, NotFound, Refused
from adapterhub.reference import Name
from adapterhub.store.catalog import write_catalog
from adapterhub.store.history.history import History
from adapterhub.store.store import Store
from adapterhub.transfer.copy import copy
from tests.builders import entry, tree
from tests.store.history.building import POET, commit_of, grow, history

ODE = Name("bob", "ode")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """ada/poet has two commits on main; the first is tagged v1."""
    store = history(tmp_path / "store", {"a": b"1"}, {"a": b"1", "b": b"2"})
    first = [oid for oid, _ in store.history.log(POET, store.history.find(POET, "main")[0])][-1]
    store.history.tag(POET, "v1", first)
    return store


def head(store: Store) -> str:
    return store.history.branches(POET)["main"]


def test_a_repository_that_is_made_is_there_and_empty(tmp_path: Path) -> None:
    store = Store(tmp_path, "ada")
    made = store.history.create(POET, private=True, by="ada")
    assert (store.exists(), list(store.history.all()), store.history.info(POET)) == (True, [POET], made)
    assert (made.private, made.by, store.history.branches(POET), store.history.tags(POET)) == (True, "ada", {}, {})
    with pytest.raises(Conflict, match="ada/poet is there already"):
        store.history.create(POET, private=False, by="eve")
    assert store.history.info(POET) == made


def test_what_was_committed_is_what_is_found(store: Store) -> None:
    oid, commit = store.history.find(POET, "main")
    assert [(file.path, file.blob) for file in commit.files] == [("a", Digest.of(b"1")), ("b", Digest.of(b"2"))]
    assert store.history.find(POET, "HEAD") == store.history.find(POET, oid) == (oid, commit)
    assert store.history.find(POET, "v1")[0] == commit.parent
    assert [found for found, _ in store.history.log(POET, oid)] == [oid, commit.parent]


def test_the_tree_on_disk_is_the_one_the_layout_draws(store: Store) -> None:
    folder, oid = store.layout.repo(POET), head(store)
    assert json.loads((folder / "commits" / oid).read_bytes())["title"] == "t"
    assert (folder / "heads" / "main").read_text() == f"{oid}\n"
    store.history.point(POET, "refs/pr/1", oid, "")
    assert (folder / "heads" / "refs%2fpr%2f1").read_text() == f"{oid}\n"
    assert store.history.branches(POET) == {"main": oid, "refs/pr/1": oid}


@pytest.mark.parametrize("word", ["dev", "v2", "0" * 40, "../v1", "", "\ud800", "heads/main"])
def test_a_revision_that_is_not_there_is_not_found(store: Store, word: str) -> None:
    with pytest.raises(NotFound, match="ada/poet: no branch, tag or commit") as error:
        store.history.find(POET, word)
    assert error.value.hint == "there are: main, v1"


def test_a_commits_id_means_the_commit_whatever_a_tag_says(store: Store) -> None:
    (first, _), second = store.history.find(POET, "v1"), head(store)
    store.history.tag(POET, second, first)
    assert store.history.find(POET, second)[0] == second


def test_a_branch_moves_by_compare_and_set(store: Store) -> None:
    old = head(store)
    new = store.history.put(POET, commit_of(store, {"c": b"3"}, old))
    for expect in ("", "0" * 40, new):
        with pytest.raises(Conflict, match=f"main is at {old}, not at {expect or 'none'}"):
            store.history.point(POET, "main", new, expect)
    store.history.point(POET, "main", new, old)
    store.history.point(POET, "main", old, None)
    assert head(store) == old
    with pytest.raises(Conflict, match="dev is at no commit"):
        store.history.point(POET, "dev", old, new)


def test_a_tag_never_moves(store: Store) -> None:
    with pytest.raises(Conflict, match="the tag v1 is there already"):
        store.history.tag(POET, "v1", head(store))
    store.history.untag(POET, "v1")
    store.history.tag(POET, "v1", head(store))
    assert store.history.tags(POET) == {"v1": head(store)}


def test_what_is_not_there_cannot_be_dropped_and_main_never(store: Store) -> None:
    with pytest.raises(NotFound, match="no tag v2"):
        store.history.untag(POET, "v2")
    with pytest.raises(NotFound, match="no branch dev"):
        store.history.drop_branch(POET, "dev")
    with pytest.raises(Refused, match="the branch main stays"):
        store.history.drop_branch(POET, "main")
    store.history.point(POET, "dev", head(store), "")
    store.history.drop_branch(POET, "dev")
    assert list(store.history.branches(POET)) == ["main"]


Step = Callable[[Store], object]
HARMLESS: dict[str, tuple[type[AdapterHubError], Step]] = {
    "a branch on a commit that is not there": (
        NotFound,
        lambda store: store.history.point(POET, "dev", "0" * 40, None),
    ),
    "a tag on what is no commit": (NotFound, lambda store: store.history.tag(POET, "v2", "../../x")),
    "a branch git would not have": (
        BadReference,
        lambda store: store.history.point(POET, "../x", head(store), None),
    ),
    "a tag git would not have": (BadReference, lambda store: store.history.tag(POET, "a b", head(store))),
    "a commit on a parent that is not there": (
        NotFound,
        lambda store: store.history.put(POET, commit_of(store, {}, "0" * 40)),
    ),
    "a commit in no repository": (NotFound, lambda store: store.history.put(ODE, commit_of(store, {}))),
    "a file whose bytes never came": (
        Conflict,
        lambda store: store.history.put(POET, without(store, commit_of(store, {"x": b"never"}))),
    ),
    "a file that lies about its size": (
        Corrupt,
        lambda store: store.history.put(POET, lying(commit_of(store, {"a": b"1"}))),
    ),
    "a repository that is not there is moved": (NotFound, lambda store: store.history.move(ODE, POET)),
    "a repository is moved over itself": (Conflict, lambda store: store.history.move(POET, POET)),
    "a repository that is not there is deleted": (NotFound, lambda store: store.history.delete(ODE)),
    "a repository that is not there is hidden": (NotFound, lambda store: store.history.set_private(ODE, True)),
}


def without(store: Store, commit):  # type: ignore[no-untyped-def]
    store.layout.blob(commit.files[0].blob).unlink()
    return commit


def lying(commit):  # type: ignore[no-untyped-def]
    return commit.model_copy(update={"files": (commit.files[0].model_copy(update={"size": 7}),)})


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_refused_changes_nothing(store: Store, name: str) -> None:
    kind, step = HARMLESS[name]
    before = tree(store.layout.repos)
    with pytest.raises(kind):
        step(store)
    assert tree(store.layout.repos) == before


def test_the_same_commit_twice_is_one(store: Store) -> None:
    commit = commit_of(store, {"c": b"3"}, head(store))
    assert store.history.put(POET, commit) == store.history.put(POET, commit)
    assert len(store.history.commits(POET)) == 3


def test_a_commit_that_rotted_is_not_read_and_is_mended_by_the_same_one(store: Store) -> None:
    oid, commit = store.history.find(POET, "main")
    store.history.path(POET, oid).write_bytes(b"{}")
    with pytest.raises(Corrupt, match="its bytes make the commit 44136fa355b3"):
        store.history.find(POET, "main")
    store.history.put(POET, commit)
    assert store.history.find(POET, "main") == (oid, commit)


@pytest.mark.parametrize("data", [b"", b"\n", b"x", b"\xff" * 40, b"a" * 5000])
def test_a_branch_that_cannot_be_read_is_no_branch_that_is_missing(store: Store, data: bytes) -> None:
    (store.layout.repo(POET) / "heads" / "main").write_bytes(data)
    assert store.history.branches(POET) == {}
    with pytest.raises(Corrupt):
        store.history.find(POET, "main")
    with pytest.raises(Corrupt):
        store.history.point(POET, "main", store.history.tags(POET)["v1"], "")


def test_a_repository_that_is_moved_takes_its_history_along(store: Store) -> None:
    before = tree(store.layout.repo(POET))
    store.history.move(POET, ODE)
    assert (list(store.history.all()), tree(store.layout.repo(ODE))) == ([ODE], before)
    with pytest.raises(NotFound, match="ada/poet: no such repository"):
        store.history.info(POET)


def test_nothing_of_a_repository_that_is_deleted_is_left(store: Store) -> None:
    store.history.delete(POET)
    assert list(store.history.all()) == []
    assert list(store.layout.repos.glob("*/*")) == list(store.layout.incoming.glob("*.tmp")) == []
    store.history.create(POET, private=True, by="ada")
    assert store.history.branches(POET) == {}


def test_a_repository_is_hidden_and_shown(store: Store) -> None:
    created = store.history.info(POET).created
    assert store.history.set_private(POET, True) == store.history.info(POET)
    assert (store.history.info(POET).private, store.history.info(POET).created) == (True, created)
    assert store.history.set_private(POET, False).private is False


def test_every_blob_of_every_commit_is_told(store: Store) -> None:
    store.history.put(POET, commit_of(store, {"c": b"3"}))
    assert set(store.history.blobs()) == {Digest.of(data) for data in (b"1", b"2", b"3")}


def test_opening_and_asking_makes_no_files(tmp_path: Path) -> None:
    found = History(Store(tmp_path / "none").layout)
    assert (list(found.all()), found.branches(POET), found.tags(POET), list(found.blobs())) == ([], {}, {}, [])
    assert not (tmp_path / "none").exists()


def test_a_push_to_a_folder_and_a_catalog_leave_history_at_home(store: Store, tmp_path: Path) -> None:
    reference = store.publish(entry(1), POET.at("1")).reference
    there = Store(tmp_path / "there", "ada")
    copy(reference, store, there)
    assert not there.layout.repos.exists()
    assert b"repos" not in write_catalog(store).to_bytes()
    assert grow(store, {"a": b"4"}).encode() not in store.layout.catalog.read_bytes()
