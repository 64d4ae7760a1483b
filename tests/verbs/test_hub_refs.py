"""Tags that are versions, tags that are aliases, branches."""

import pytest

from adapterhub.errors import BadReference, Conflict, NotFound, Refused, WrongUsage
from adapterhub.note import gather
from adapterhub.protocols.hf_hub.answers import RevisionNotFound
from adapterhub.reference import parse
from adapterhub.registry import LabelTaken
from adapterhub.store.check import check
from adapterhub.store.history import refs
from adapterhub.store.history.refs import read_line
from adapterhub.verbs.bases import base_add_card, card_for, pin_of
from adapterhub.verbs.hub_look import all_tags, find
from adapterhub.verbs.hub_model import versions_of
from adapterhub.verbs.hub_refs import branch, drop_branch, squash, tag, untag
from tests.builders import adapter_files, entry, entry_of, tiny_base
from tests.verbs.hub_ground import POET, as_ours, desk_in, labels, paths, repository, send


def test_a_tag_publishes_what_our_client_has_laid_there(tmp_path):
    desk, ours = repository(tmp_path), entry(notes=[("metrics", {"accuracy": 0.5})])
    made = send(desk, as_ours(ours))
    tag(desk, POET, "v1", made.oid)
    listed = desk.store.resolve(parse("ada/poet@v1"))
    assert listed.digest == ours.digest
    assert gather(desk.store.notes.about(ours.digest)).metrics == {"accuracy": 0.5}
    assert all_tags(desk, POET) == {"v1": made.oid}


def test_a_base_card_comes_with_its_entry(tmp_path):
    at_home = desk_in(tmp_path / "home")
    card = card_for(at_home, str(tiny_base(tmp_path / "base")))
    base_add_card(at_home, card)
    kept = next(data for _, data in at_home.store.cards())
    ours = entry_of(adapter_files(), base=pin_of(card).plain())
    desk = repository(tmp_path)
    send(desk, {**as_ours(ours), **{f".adapterhub/bases/{pin_of(card).card[7:]}.json": kept}})
    tag(desk, POET, "1", "main")
    assert desk.store.open(ours.digest).cards == (kept,)
    assert check(desk.store).ok


def test_new_notes_about_a_version_are_kept_without_a_tag(tmp_path):
    desk = repository(tmp_path)
    send(desk, as_ours(entry()))
    tag(desk, POET, "1", "main")
    said = entry(notes=[("metrics", {"accuracy": 0.9})])
    send(desk, as_ours(said))
    assert gather(desk.store.notes.about(said.digest)).metrics == {"accuracy": 0.9}
    assert labels(desk) == ["1"]


def test_a_tag_on_what_is_no_entry_is_only_a_tag(tmp_path):
    desk = repository(tmp_path)
    made = send(desk, {"README.md": b"# soon"})
    tag(desk, POET, "draft", "main")
    assert all_tags(desk, POET) == {"draft": made.oid}
    assert not labels(desk)


def test_a_tag_of_several_words_is_no_version(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    tag(desk, POET, "release/2026", "main")
    assert labels(desk) == ["1"]
    assert find(desk, POET, "release/2026")[0] == find(desk, POET, "main")[0]


def test_a_tag_never_moves(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    send(desk, adapter_files(seed=2))
    with pytest.raises(Conflict, match="there already"):
        tag(desk, POET, "1", "main")


def test_a_removed_versions_label_stays_taken(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    untag(desk, POET, "1")
    assert not labels(desk)
    send(desk, {"README.md": b"x"}, gone=["adapter_model.safetensors", "adapter_config.json"])
    assert send(desk, adapter_files(seed=2)).version == "2"
    with pytest.raises(LabelTaken):
        tag(desk, POET, "1", "main")


def test_an_alias_is_a_tag_that_moves_by_going_and_coming(tmp_path):
    desk = repository(tmp_path)
    first, second = send(desk, adapter_files(seed=1)).oid, send(desk, adapter_files(seed=2)).oid
    tag(desk, POET, "alias/prod", "1")
    assert desk.store.resolve(parse("ada/poet@prod")).reference.pin == "1"
    assert find(desk, POET, "alias/prod")[0] == first
    with pytest.raises(Conflict):
        tag(desk, POET, "alias/prod", "2")
    untag(desk, POET, "alias/prod")
    tag(desk, POET, "alias/prod", second)
    assert desk.store.names.aliases(POET) == {"prod": "2"}


def test_an_alias_moves_in_one_step_from_what_it_is_expected_to_mean(tmp_path):
    desk = repository(tmp_path)
    for seed in range(2):
        send(desk, adapter_files(seed=seed))
    tag(desk, POET, "alias/prod", "1", expect="")
    with pytest.raises(Conflict, match="the alias prod means 1, not nothing"):
        tag(desk, POET, "alias/prod", "2", expect="")
    tag(desk, POET, "alias/prod", "2", expect="1")
    with pytest.raises(Conflict, match="the alias prod means 2, not 1"):
        tag(desk, POET, "alias/prod", "1", expect="1")
    with pytest.raises(Conflict, match="the alias next means nothing, not 1"):
        tag(desk, POET, "alias/next", "1", expect="1")
    assert desk.store.names.aliases(POET) == {"prod": "2"}


def test_no_other_tag_is_expected_to_mean_something(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    for word in ("1", "v2", "release/2026"):
        with pytest.raises(WrongUsage, match="is no alias"):
            tag(desk, POET, word, "main", expect="1")
    assert all_tags(desk, POET).keys() == {"1"}


def test_an_alias_means_the_version_that_was_named(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    tag(desk, POET, "v1", "main")
    tag(desk, POET, "alias/prod", "1")
    assert desk.store.names.aliases(POET) == {"prod": "1"}
    tag(desk, POET, "alias/next", "main")
    assert desk.store.names.aliases(POET)["next"] == "v1"


def test_an_alias_means_versions_alone(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"README.md": b"x"})
    with pytest.raises(NotFound, match="no version"):
        tag(desk, POET, "alias/prod", "main")
    with pytest.raises(WrongUsage):
        tag(desk, POET, "alias/a/b", "main")


def test_what_is_no_tag_cannot_go(tmp_path):
    with pytest.raises(RevisionNotFound):
        untag(repository(tmp_path), POET, "1")


@pytest.mark.parametrize("word", ["../x", "a b", "a..b", "", "x~1", ".hidden"])
def test_a_tag_has_a_name_that_git_allows(tmp_path, word):
    with pytest.raises(BadReference):
        tag(repository(tmp_path), POET, word, "main")


def test_a_branch_hides_no_version(tmp_path):
    desk = repository(tmp_path)
    begin = find(desk, POET, "main")[0]
    made = send(desk, adapter_files())
    with pytest.raises(Conflict, match="is a tag"):
        branch(desk, POET, "1", begin)
    branch(desk, POET, "2", begin)
    send(desk, adapter_files(rank=3))
    assert find(desk, POET, "1")[0] == made.oid
    assert find(desk, POET, "2")[0] == find(desk, POET, "main")[0] != begin


@pytest.mark.parametrize("word", ["main", "HEAD"])
def test_no_tag_is_called_as_the_newest_commit(tmp_path, word):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    with pytest.raises(Conflict, match="newest"):
        tag(desk, POET, word, "1")
    assert labels(desk) == ["1"]


def test_the_label_of_a_removed_version_is_no_tag_of_anything_else(tmp_path):
    desk = repository(tmp_path)
    begin = find(desk, POET, "main")[0]
    send(desk, adapter_files())
    untag(desk, POET, "1")
    with pytest.raises(Conflict, match="stays taken"):
        tag(desk, POET, "1", begin)
    assert all_tags(desk, POET) == {}


def test_branches_come_and_go_and_main_stays(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    branch(desk, POET, "refs/pr/1", "1")
    send(desk, {"a.txt": b"1"}, branch="refs/pr/1")
    assert "a.txt" in paths(desk, "refs/pr/1")
    assert "a.txt" not in paths(desk)
    with pytest.raises(Conflict):
        branch(desk, POET, "refs/pr/1", None)
    drop_branch(desk, POET, "refs/pr/1")
    with pytest.raises(RevisionNotFound):
        drop_branch(desk, POET, "refs/pr/1")
    with pytest.raises(Refused):
        drop_branch(desk, POET, "main")


@pytest.mark.parametrize("make", [branch, tag])
@pytest.mark.parametrize("word", ["refs/heads/main2", "refs/tags/v2", "refs/heads/main"])
def test_gits_long_form_of_a_name_is_no_name(tmp_path, make, word):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    short = word.rpartition("/")[2]
    with pytest.raises(BadReference, match=f"{word}' is git's long form") as refused:
        make(desk, POET, word, "main")
    assert f"name it {short!r}" in refused.value.hint
    assert word not in {**desk.store.history.branches(POET), **all_tags(desk, POET)}


def test_no_branch_is_called_as_the_newest_commit(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    with pytest.raises(Conflict, match="HEAD is the newest commit"):
        branch(desk, POET, "HEAD", None)


def test_a_squashed_branch_is_one_commit_with_the_same_files(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    send(desk, {"a.txt": b"1"})
    before = paths(desk)
    oid = squash(desk, POET, "main", "all in one")
    assert [id for id, _ in desk.store.history.log(POET, oid)] == [oid]
    assert paths(desk) == before
    assert labels(desk) == ["1"]


def test_what_a_question_costs_does_not_grow_with_the_branches_and_tags(tmp_path, monkeypatch):
    desk = repository(tmp_path)
    made, history = send(desk, adapter_files()), desk.store.history
    read = []
    monkeypatch.setattr(refs, "read_line", lambda path: read.append(path) or read_line(path))

    def costs():
        read.clear()
        word = f"w{len(history.tags(POET))}.x+"
        read.clear()
        tag(desk, POET, word, "main")
        branch(desk, POET, f"b/{word}", "main")
        find(desk, POET, "main")
        with pytest.raises(NotFound):
            find(desk, POET, "nowhere")
        versions_of(desk, POET)
        untag(desk, POET, word)
        drop_branch(desk, POET, f"b/{word}")
        return len(read)

    few = costs()
    for number in range(50):
        history.tag(POET, f"t{number}", made.oid)
        history.point(POET, f"b{number}", made.oid, "")
    assert costs() == few


def test_what_another_process_does_is_seen_at_once(tmp_path):
    desk, other = repository(tmp_path), desk_in(tmp_path)
    made = send(desk, adapter_files())
    other.store.history.tag(POET, "seen", made.oid)
    assert find(desk, POET, "seen")[0] == made.oid
    other.store.history.untag(POET, "seen")
    with pytest.raises(RevisionNotFound, match="no branch, tag or commit 'seen'"):
        find(desk, POET, "seen")


def test_a_tag_that_cannot_be_read_is_taken_and_stands_in_nobodys_way(tmp_path):
    desk = repository(tmp_path)
    made = send(desk, adapter_files())
    (desk.store.layout.repo(POET) / "tags" / "1").write_text("rotten")
    assert [(one["version"], one["commit"]) for one in versions_of(desk, POET)] == [("1", "")]
    with pytest.raises(Conflict, match="is there already"):
        tag(desk, POET, "1", made.oid)
    assert len(desk.store.history.commits(POET)) == 2


def test_a_version_that_an_alias_means_stays_and_it_is_told_which(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    tag(desk, POET, "alias/prod", "1")
    with pytest.raises(Refused, match="alias/prod means this version, so it stays") as refused:
        untag(desk, POET, "1")
    assert all_tags(desk, POET).keys() == {"1", "alias/prod"}
    assert refused.value.hint == "first delete the tag alias/prod, or let it mean another version"
    untag(desk, POET, "alias/prod")
    untag(desk, POET, "1")
    assert labels(desk) == []
