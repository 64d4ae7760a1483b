"""What becomes of a commit that a client sends."""

import pytest

from adapterhub.errors import Corrupt, Refused, WrongUsage
from adapterhub.protocols.hf_hub.answers import EntryNotFound, ParentMoved, RevisionNotFound
from adapterhub.protocols.hf_hub.commit_lines import Deleted, Header, Regular
from adapterhub.protocols.hf_hub.layout import MANIFEST
from adapterhub.reference import parse
from adapterhub.store.check import check
from adapterhub.store.sweep import sweep
from adapterhub.verbs.hub_commit import commit
from adapterhub.verbs.hub_refs import tag, untag
from tests.builders import adapter_files, entry, entry_of, read_all, safetensors
from tests.verbs.hub_ground import POET, as_ours, labels, paths, repository, send


def anything(_):
    """What a client may name, where nobody else has a blob here."""
    return True


def head(desk):
    return desk.store.history.branches(POET)["main"]


def test_a_strangers_adapter_is_published_at_once_and_tagged(tmp_path):
    desk = repository(tmp_path)
    files = adapter_files()
    made = send(desk, {**files, "README.md": b"# hello\n"})
    assert made.version == "1"
    assert desk.store.history.tags(POET) == {"1": made.oid}
    listed = desk.store.resolve(parse("ada/poet"))
    assert read_all(desk.store.open(listed.digest)) == files
    assert check(desk.store).ok


def test_the_next_commit_with_other_weights_is_the_next_version(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    assert send(desk, adapter_files(seed=2)).version == "2"
    assert labels(desk) == ["1", "2"]


def test_a_readme_alone_is_a_commit_and_no_version(tmp_path):
    desk = repository(tmp_path)
    made = send(desk, {"README.md": b"# soon\n"})
    assert (made.version, made.told) == (None, "")
    assert paths(desk) == ["README.md"]


def test_weights_before_their_config_wait_and_say_why(tmp_path):
    desk, files = repository(tmp_path), adapter_files()
    first = send(desk, {"adapter_model.safetensors": files["adapter_model.safetensors"]})
    assert first.version is None
    assert "adapter_config.json" in first.told
    assert send(desk, {"adapter_config.json": files["adapter_config.json"]}).version == "1"


def test_tables_and_texts_make_no_version(tmp_path):
    assert send(repository(tmp_path), {"notes.txt": b"x", "table.csv": b"a,b\n1,2\n"}).version is None


def test_what_the_readme_says_is_noted(tmp_path):
    desk = repository(tmp_path)
    card = b"---\nlicense: mit\n---\n# Poet\n"
    send(desk, {**adapter_files(), "README.md": card})
    notes = desk.store.notes.about(desk.store.resolve(parse("ada/poet")).digest)
    said = {note.kind: note.data for note in notes}
    assert said["card"] == {"text": card.decode()}
    assert said["license"] == {"id": "mit"}
    assert said["base"] == {"evidence": "name", "source": "hf:org/tiny"}


def test_the_same_commit_again_changes_nothing(tmp_path):
    desk, files = repository(tmp_path), adapter_files()
    before = head(desk)
    first = send(desk, files, parent=before)
    again = send(desk, files, parent=before)
    assert send(desk, files, parent=before[:12]) == again
    assert (again.oid, again.version) == (first.oid, "1")
    assert send(desk, files).oid == first.oid
    assert len(list(desk.store.history.log(POET, first.oid))) == 2


def test_a_commit_for_another_parent_is_refused_and_nothing_moves(tmp_path):
    desk = repository(tmp_path)
    old = head(desk)
    now = send(desk, {"a.txt": b"1"}).oid
    with pytest.raises(ParentMoved, match="a commit has happened since"):
        send(desk, {"b.txt": b"2"}, parent=old)
    with pytest.raises(ParentMoved):
        send(desk, {"b.txt": b"2"}, parent="0" * 40)
    assert head(desk) == now


def test_files_and_folders_go(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"a.txt": b"1", "in/b.txt": b"2", "in/deep/c.txt": b"3", "inside.txt": b"4"})
    send(desk, gone=["in/", "a.txt"])
    assert paths(desk) == ["inside.txt"]
    with pytest.raises(EntryNotFound):
        send(desk, gone=["a.txt"])


def test_a_folder_can_go_and_come_in_one_commit(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"in/a.txt": b"1", "in/b.txt": b"2"})
    commit(desk, POET, "main", [Header("t", "", None), Deleted("in", True), Regular("in/c.txt", b"3")], anything)
    assert paths(desk) == ["in/c.txt"]


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"adapter_model.bin": b"\x80\x02}q\x00."}, Refused),
        ({"adapter_model.safetensors": b"\xff" * 64}, Corrupt),
        ({"a.txt": b"1", "A.TXT": b"2"}, WrongUsage),
        ({".git/hooks/post-checkout": b"rm"}, WrongUsage),
        ({"in/.GIT/config": b"x"}, WrongUsage),
    ],
)
def test_what_must_not_be_kept_moves_nothing(tmp_path, files, error):
    desk = repository(tmp_path)
    before = head(desk)
    with pytest.raises(error):
        send(desk, files)
    assert head(desk) == before
    assert not labels(desk)


def test_a_file_where_a_folder_is_cannot_be(tmp_path):
    desk = repository(tmp_path)
    send(desk, {"a/b.txt": b"1"})
    with pytest.raises(Exception, match="same path"):
        send(desk, {"a": b"2"})


def test_a_pickle_beside_safetensors_is_a_file_like_others(tmp_path):
    desk = repository(tmp_path)
    made = send(desk, {**adapter_files(), "adapter_model.bin": b"\x80\x02}q\x00.", "training_args.bin": b"\x80\x02."})
    assert made.version == "1"
    found = desk.store.open(desk.store.resolve(parse("ada/poet")).digest)
    assert list(found.paths()) == ["adapter_config.json", "adapter_model.safetensors"]


def test_nobody_commits_without_saying_what_he_may_name(tmp_path):
    with pytest.raises(TypeError, match="claim"):
        commit(repository(tmp_path), POET, "main", [Header("t", "", None)])


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([Regular("x.txt", b"2"), Deleted("x.txt", False)], ["in/a.txt"]),
        ([Regular("y.txt", b"2"), Deleted("y.txt", False)], ["in/a.txt", "x.txt"]),
        ([Deleted("x.txt", False), Regular("x.txt", b"2")], ["in/a.txt", "x.txt"]),
        ([Deleted("in", True), Regular("in/b.txt", b"2")], ["in/b.txt", "x.txt"]),
        ([Regular("in/b.txt", b"2"), Deleted("in", True)], ["x.txt"]),
    ],
)
def test_the_lines_of_a_commit_count_in_their_order(tmp_path, steps, left):
    desk = repository(tmp_path)
    send(desk, {"x.txt": b"1", "in/a.txt": b"1"})
    commit(desk, POET, "main", [Header("t", "", None), *steps], anything)
    assert paths(desk) == left


def test_a_version_that_was_removed_does_not_come_back_with_the_next_readme(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    untag(desk, POET, "1")
    made = send(desk, {"README.md": b"# hi\n"})
    assert (made.version, labels(desk), desk.store.history.tags(POET)) == (None, [], {})
    assert "a version that was removed" in made.told
    assert send(desk, adapter_files(seed=1)).version == "2"
    tag(desk, POET, "again", made.oid)
    assert labels(desk) == ["2", "again"]


def test_files_that_were_a_version_and_come_again_are_the_next_one(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    untag(desk, POET, "1")
    send(desk, adapter_files(seed=2))
    assert send(desk, adapter_files(seed=1)).version == "3"
    assert labels(desk) == ["2", "3"]


def test_the_file_that_stays_of_two_adapters_is_the_first_version(tmp_path):
    desk = repository(tmp_path)
    one = safetensors({f"lora_unet_a.{end}": ((1, 1), b"\0" * 4) for end in ("lora_up.weight", "lora_down.weight")})
    assert send(desk, {"a.safetensors": one, "b.safetensors": one}).version is None
    assert send(desk, gone=["b.safetensors"]).version == "1"


def test_an_entry_of_ours_waits_for_its_tag(tmp_path):
    desk, ours = repository(tmp_path), entry(notes=[("metrics", {"accuracy": 0.5})])
    assert send(desk, as_ours(ours)).version is None
    assert not labels(desk)


def test_a_manifest_that_tells_of_other_files_is_refused(tmp_path):
    desk, ours = repository(tmp_path), as_ours(entry())
    with pytest.raises(Corrupt, match=f"{MANIFEST} tells of adapter_model.safetensors"):
        send(desk, {**ours, "adapter_model.safetensors": adapter_files(seed=9)["adapter_model.safetensors"]})


def test_a_manifest_that_a_stranger_left_behind_goes(tmp_path):
    desk = repository(tmp_path)
    send(desk, as_ours(entry(seed=1)))
    made = send(desk, adapter_files(seed=2))
    assert made.version == "1"
    assert MANIFEST not in paths(desk)


def test_a_manifest_stays_where_only_the_readme_changes(tmp_path):
    desk = repository(tmp_path)
    send(desk, as_ours(entry(seed=1)))
    send(desk, {"README.md": b"# new words\n"})
    assert MANIFEST in paths(desk)


def test_notes_lie_under_their_own_digest(tmp_path):
    desk, ours = repository(tmp_path), as_ours(entry(notes=[("metrics", {"accuracy": 0.5})]))
    (note,) = (path for path in ours if "/notes/" in path)
    moved = {path.replace(note[-12:], "0000000.json"): data for path, data in ours.items()}
    with pytest.raises(Corrupt, match="no note of ours"):
        send(desk, moved)


def test_a_base_card_that_is_named_must_come(tmp_path):
    pin = {"evidence": "bytes", "card": "sha256:" + "a" * 64}
    with pytest.raises(Corrupt, match=r"base card .* is missing"):
        send(repository(tmp_path), as_ours(entry_of(adapter_files(), base=pin)))


def test_only_branches_take_commits(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    with pytest.raises(RevisionNotFound):
        send(desk, {"a.txt": b"1"}, branch="1")


def test_a_branch_publishes_nothing(tmp_path):
    desk = repository(tmp_path)
    desk.store.history.point(POET, "try", head(desk), "")
    assert send(desk, adapter_files(), branch="try").version is None
    assert not labels(desk)


def test_a_sweep_takes_nothing_a_commit_names(tmp_path):
    desk = repository(tmp_path)
    send(desk, {**adapter_files(), "notes/x.txt": b"only the history names this"})
    sweep(desk.store, 0)
    sweep(desk.store, 0)
    assert check(desk.store).ok
    assert desk.store.blobs.has(desk.store.history.find(POET, "main")[1].file("notes/x.txt").blob)


@pytest.mark.parametrize("together", [("a", "a/b"), ("x/é.txt", "x/e\u0301.txt"), ("A.txt", "a.txt")])
def test_paths_that_no_disk_holds_together_are_refused_before_anything_is_looked_at(tmp_path, together):
    desk = repository(tmp_path)
    before = head(desk)
    with pytest.raises(WrongUsage):
        send(desk, {**adapter_files(), **dict.fromkeys(together, b"1")})
    assert head(desk) == before


def test_a_template_and_its_folder_are_no_fault_of_the_disk(tmp_path):
    desk = repository(tmp_path)
    words = "additional_chat_templates"
    with pytest.raises(WrongUsage, match=f"same path: {words}"):
        send(desk, {**adapter_files(), words: b"1", f"{words}/x.jinja": b"2"})
