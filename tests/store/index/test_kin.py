"""Who was made from whom; as far as somebody may see."""

import pytest

from adapterhub.manifest import Parent
from adapterhub.reference import Name, parse
from adapterhub.store.index.kin import children, named
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_repos import set_private
from tests.builders import adapter_files, entry, entry_of

NOBODY, BOB, ALL = frozenset(), frozenset({"bob"}), None
ELSEWHERE = f"sha256:{'d' * 64}"


@pytest.fixture
def store(tmp_path):
    """ada/one, ada/two of it, bob/three of both, ada/open of one (public); bob/same is as ada/one."""
    store = Store(tmp_path / "store", "ada")
    one = store.publish(entry(1), parse("ada/one")).digest
    store.publish(entry(1), parse("bob/same"))
    made = {"ada/two": (one,), "ada/open": (one,)}
    made["bob/three"] = (one, publish(store, "ada/two", 2, made["ada/two"]))
    publish(store, "bob/three", 3, made["bob/three"])
    publish(store, "ada/open", 4, made["ada/open"])
    set_private(Desk(store), Name("ada", "open"), False)
    return store


def publish(store, name, seed, parents, **fields):
    made = entry_of(adapter_files(seed=seed), parents=tuple(Parent(digest=str(one)) for one in parents), **fields)
    return store.publish(made, parse(name)).digest


def test_children_are_told_to_those_who_see_them(store):
    one = str(store.resolve(parse("ada/one")).digest)
    assert children(store, one, ALL, 9) == ["ada/open@1", "bob/three@1", "ada/two@1"]
    assert children(store, one, BOB, 9) == ["ada/open@1", "bob/three@1"]
    assert children(store, one, NOBODY, 9) == ["ada/open@1"]
    assert children(store, one, ALL, 1) == ["ada/open@1"]
    assert children(store, ELSEWHERE, ALL, 9) == []


def test_a_digest_is_called_what_its_versions_are(store):
    one = str(store.resolve(parse("ada/one")).digest)
    assert named(store, [one, ELSEWHERE], ALL) == {one: ["ada/one@1", "bob/same@1"]}
    assert named(store, [one], BOB) == {one: ["bob/same@1"]}
    assert named(store, [one], NOBODY) == {}


def test_a_child_that_is_removed_is_told_no_more(store):
    one = str(store.resolve(parse("ada/one")).digest)
    store.remove(parse("ada/two@1"))
    assert "ada/two@1" not in children(store, one, ALL, 9)
