"""What was published by other ways is laid into the history, once."""

import pytest

from adapterhub.protocols.hf_hub.answers import RepoNotFound, RevisionNotFound
from adapterhub.protocols.hf_hub.card import front_of
from adapterhub.reference import Name, parse
from adapterhub.store.check import check
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_history import caught_up, find, info
from tests.builders import CARD, adapter_files, entry, hub_with_card, tree
from tests.verbs.hub_ground import POET, as_ours, desk_in, labels, paths, repository, send


def published(folder, *seeds):
    desk = desk_in(folder)
    for seed in seeds:
        desk.store.publish(entry(seed), parse("ada/poet"))
    return desk


def test_each_version_is_a_commit_on_main_and_a_tag(tmp_path):
    desk = published(tmp_path, 1, 2)
    assert caught_up(desk, POET)
    history = desk.store.history
    tags, log = history.tags(POET), [oid for oid, _ in history.log(POET, history.branches(POET)["main"])]
    assert log == [tags["2"], tags["1"]]
    assert paths(desk) == ["README.md", "adapter_config.json", "adapter_model.safetensors", "adapterhub.json"]
    version = desk.store.names.version(POET, "1")
    commit = history.commit(POET, tags["1"])
    assert (commit.time, commit.by, commit.title) == (version.time, "ada", "Version 1")
    assert commit.file("adapterhub.json").sha256 == version.digest.hex
    assert info(desk, POET).private
    assert check(desk.store).ok


def test_laying_again_changes_nothing(tmp_path):
    desk = published(tmp_path, 1, 2)
    caught_up(desk, POET)
    before = tree(desk.store.root / "repos")
    assert caught_up(desk, POET)
    assert tree(desk.store.root / "repos") == before


def test_two_stores_with_the_same_versions_have_the_same_files(tmp_path):
    one, other = published(tmp_path / "one", 1), published(tmp_path / "other", 1)
    for desk in (one, other):
        caught_up(desk, POET)
    assert find(one, POET, "1")[1].files == find(other, POET, "1")[1].files


def test_a_version_added_later_follows(tmp_path):
    desk = published(tmp_path, 1)
    caught_up(desk, POET)
    desk.store.publish(entry(2), parse("ada/poet@next"))
    caught_up(desk, POET)
    assert list(desk.store.history.tags(POET)) == ["1", "next"]


def test_a_removed_version_has_no_tag_any_more(tmp_path):
    desk = published(tmp_path, 1, 2)
    caught_up(desk, POET)
    desk.store.remove(parse("ada/poet@1"))
    caught_up(desk, POET)
    assert list(desk.store.history.tags(POET)) == ["2"]


def test_a_version_that_lost_its_tag_finds_its_commit_again(tmp_path):
    desk = repository(tmp_path)
    theirs = send(desk, adapter_files(seed=1)).oid
    ours = send(desk, as_ours(entry(seed=2))).oid
    desk.store.publish(entry(seed=2), parse("ada/poet@2"))
    desk.store.history.untag(POET, "1")
    caught_up(desk, POET)
    assert desk.store.history.tags(POET) == {"1": theirs, "2": ours}
    assert labels(desk) == ["1", "2"]


def test_the_card_of_a_version_is_its_readme(tmp_path):
    hub = hub_with_card(tmp_path)
    caught_up(hub.desk, POET)
    file = find(hub.desk, POET, "main")[1].file("README.md")
    text = hub.desk.store.blobs.read(file.blob, "README.md").decode()
    assert front_of(text)["library_name"] == "peft"
    assert front_of(text)["base_model"] == "org/tiny"
    assert CARD.decode().strip() in text


def test_a_damaged_version_hides_no_other(tmp_path):
    desk = published(tmp_path, 1, 2)
    desk.store.layout.blob(desk.store.resolve(parse("ada/poet@1")).digest).unlink()
    assert caught_up(desk, POET)
    assert list(desk.store.history.tags(POET)) == ["2"]


def test_nothing_is_no_repository(tmp_path):
    desk = desk_in(tmp_path)
    assert not caught_up(desk, POET)
    with pytest.raises(RepoNotFound):
        info(desk, POET)
    assert not desk.store.exists()


def test_every_word_for_a_commit_finds_it(tmp_path):
    desk = published(tmp_path, 1)
    desk.store.alias(parse("ada/poet@1"), "prod")
    caught_up(desk, POET)
    oid = desk.store.history.tags(POET)["1"]
    for word in ("main", "HEAD", "1", "alias/prod", oid):
        assert find(desk, POET, word)[0] == oid
    for word in ("alias/none", "2", oid[:12], "0" * 40, "refs/../x"):
        with pytest.raises(RevisionNotFound):
            find(desk, POET, word)


def test_many_processes_worth_of_threads_lay_it_once(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    root = published(tmp_path, 1, 2, 3).store.root
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: caught_up(Desk(Store(root, "b")), Name("ada", "poet")), range(16)))
    desk = Desk(Store(root))
    assert len(list(desk.store.history.log(POET, desk.store.history.branches(POET)["main"]))) == 3
