"""What was published by other ways is laid into the history, once."""

import errno

import pytest

from adapterhub.digest import Digest
from adapterhub.protocols.hf_hub.answers import Full, RepoNotFound, RevisionNotFound
from adapterhub.protocols.hf_hub.card import front_of
from adapterhub.reference import Name, parse
from adapterhub.store.check import check
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_history import caught_up, info
from adapterhub.verbs.hub_look import find, named
from tests.builders import CARD, adapter_files, entry, entry_of, hub_with_card, tree
from tests.verbs.hub_ground import POET, as_ours, desk_in, labels, paths, repository, send


def published(folder, *seeds):
    desk = desk_in(folder)
    for seed in seeds:
        desk.store.publish(entry(seed), parse("ada/poet"))
    return desk


def card_of(desk):
    file = find(desk, POET, "main")[1].file("README.md")
    return desk.store.blobs.read(file.blob, "README.md").decode()


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


def test_what_a_person_committed_stays_when_a_version_comes_by_another_way(tmp_path):
    desk = repository(tmp_path)
    words = b"---\nlicense: mit\n---\n# My own words\n"
    send(desk, {**adapter_files(), "README.md": words, ".gitignore": b"*.tmp\n", "samples/one.txt": b"x"})
    send(desk, {"adapter_model.bin": b"\x80\x02.", "table.csv": b"a\n1\n"})
    desk.store.publish(entry(1), parse("ada/poet"))
    caught_up(desk, POET)
    own = ["adapter_config.json", "adapter_model.bin", "adapter_model.safetensors", "adapterhub.json"]
    assert paths(desk) == [".gitignore", "README.md", *own, "samples/one.txt", "table.csv"]
    text = card_of(desk)
    assert "# My own words" in text
    assert front_of(text)["license"] == "mit"
    assert str(entry(1).digest) in text
    assert find(desk, POET, "2")[1].file("adapter_model.safetensors").sha256 == entry(1).manifest.files[1].sha256


def test_of_the_former_entry_nothing_stays(tmp_path):
    desk = published(tmp_path)
    desk.store.publish(entry_of({**adapter_files(), "tokenizer.json": b"{}"}), parse("ada/poet"))
    caught_up(desk, POET)
    assert "tokenizer.json" in paths(desk)
    send(desk, {"mine.txt": b"x"})
    desk.store.publish(entry(1), parse("ada/poet"))
    caught_up(desk, POET)
    wanted = ["README.md", "adapter_config.json", "adapter_model.safetensors", "adapterhub.json", "mine.txt"]
    assert paths(desk) == wanted


def test_tables_and_texts_of_a_person_are_no_former_entry(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"table.csv": b"a\n1\n"})
    desk.store.publish(entry(1), parse("ada/poet"))
    caught_up(desk, POET)
    assert "table.csv" in paths(desk)


def test_an_entry_is_laid_over_what_cannot_lie_beside_it(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"ADAPTER_CONFIG.json": b"x", "adapterhub.JSON/x.txt": b"x", "data": b"x", "README.md/x.txt": b"x"})
    desk.store.publish(entry_of({**adapter_files(), "data/a.txt": b"1"}), parse("ada/poet"))
    caught_up(desk, POET)
    own = ["adapter_config.json", "adapter_model.safetensors", "adapterhub.json"]
    assert paths(desk) == ["README.md", *own, "data/a.txt"]
    send(desk, {"x.txt": b"1"})


@pytest.mark.parametrize("path", ["README.md", "readme.md"])
def test_a_readme_that_is_no_card_of_ours_to_be_stays_as_it_is(tmp_path, path):
    desk, words = repository(tmp_path), b"# words\n" * (1 << 18 if path == "README.md" else 1)
    send(desk, {path: words})
    desk.store.publish(entry(1), parse("ada/poet"))
    caught_up(desk, POET)
    file = find(desk, POET, "1")[1].file(path)
    assert desk.store.blobs.read(file.blob, path) == words
    assert [one for one in paths(desk) if one.casefold() == "readme.md"] == [path]


def test_a_damaged_tree_stops_no_version(tmp_path):
    desk = published(tmp_path, 1)
    caught_up(desk, POET)
    for path in ("adapterhub.json", "README.md"):
        desk.store.layout.blob(find(desk, POET, "main")[1].file(path).blob).unlink()
    desk.store.publish(entry(2), parse("ada/poet"))
    caught_up(desk, POET)
    assert list(desk.store.history.tags(POET)) == ["1", "2"]


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


def test_which_blobs_a_repository_names_is_asked_of_the_newest_commits_first(tmp_path, monkeypatch):
    desk = repository(tmp_path)
    shas = [Digest.of(b"%d" % number).hex for number in range(5)]
    for number in range(5):
        send(desk, {f"{number}.txt": b"%d" % number}, gone=[f"{number - 1}.txt"] if number else [])
    read = []
    before = type(desk.store.history).commit
    monkeypatch.setattr(type(desk.store.history), "commit", lambda *args: read.append(args[2]) or before(*args))
    assert named(desk, POET, []) == frozenset()
    assert read == []
    assert named(desk, POET, shas[3:]) == set(shas[3:])
    assert len(read) == 2
    assert named(desk, POET, [shas[0], "0" * 64]) == {shas[0]}
    assert len(read) == 8  # each commit once, the first one is empty
    assert named(desk, POET, [shas[0], shas[4]], most=2) == {shas[4]}


def test_what_a_branch_or_a_tag_alone_reaches_is_named_too(tmp_path):
    desk = repository(tmp_path)
    first = send(desk, {"a.txt": b"a"}).oid
    desk.store.history.point(POET, "side", first, "")
    aside = send(desk, {"b.txt": b"b"}, branch="side").oid
    desk.store.history.tag(POET, "kept", aside)
    desk.store.history.drop_branch(POET, "side")
    wanted = [Digest.of(data).hex for data in (b"a", b"b", b"c")]
    assert named(desk, POET, wanted) == set(wanted[:2])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_on_a_disk_that_takes_nothing_what_was_laid_before_can_be_read(tmp_path, monkeypatch, number):
    desk = published(tmp_path, 1)
    caught_up(desk, POET)
    desk.store.publish(entry(2), parse("ada/poet"))

    def full(*_):
        raise OSError(number, "the disk says no")

    with monkeypatch.context() as patched:
        patched.setattr(type(desk.store.history), "put", full)
        assert info(desk, POET).private
        assert list(desk.store.history.tags(POET)) == ["1"]
        other = published(tmp_path / "other", 1)
        said = (
            "it was added on the server's machine, and can be read here when" if number == errno.ENOSPC else "says no"
        )
        with pytest.raises(Full if number == errno.ENOSPC else OSError, match=said):
            info(other, POET)
    assert caught_up(desk, POET)
    assert list(desk.store.history.tags(POET)) == ["1", "2"]


def test_a_version_that_cannot_be_opened_hides_none_of_the_others(tmp_path, monkeypatch):
    desk = published(tmp_path, 1, 2, 3)
    closed = desk.store.resolve(parse("ada/poet@2")).digest
    real = Store.open

    def opened(store, pinned):
        if pinned == closed:
            raise PermissionError(errno.EACCES, "somebody else's")
        return real(store, pinned)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "open", opened)
        assert caught_up(desk, POET)
        assert sorted(desk.store.history.tags(POET)) == ["1", "3"]
    assert caught_up(desk, POET)
    assert sorted(desk.store.history.tags(POET)) == ["1", "2", "3"]
